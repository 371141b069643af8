"use strict";

// The bar of controls: native selects, buttons and a range.

const Controls = (() => {
  /** What a scale applies to; short enough for the width of the bar. */
  const WHOSE = {
    shared: "one scale for all",
    model: "one scale for each model",
    layer: "one scale for each layer",
    map: "each map on its own scale",
  };

  /**
   * @param {PageData} page
   * @param {(patch: Partial<State>, how: "push" | "walk" | "replace") => void} set
   * @param {() => State} get
   */
  function create(page, set, get) {
    const selects = {
      layer: Dom.byId("layer", HTMLSelectElement),
      head: Dom.byId("head", HTMLSelectElement),
      query: Dom.byId("query", HTMLSelectElement),
      scale: Dom.byId("scale", HTMLSelectElement),
      form: Dom.byId("form", HTMLSelectElement),
      outliers: Dom.byId("outliers", HTMLSelectElement),
      draw: Dom.byId("draw", HTMLSelectElement),
      pairLayers: Dom.byId("pair-layers", HTMLSelectElement),
      pairHeads: Dom.byId("pair-heads", HTMLSelectElement),
    };
    const clip = Dom.byId("clip", HTMLSelectElement);
    const keep = Dom.byId("keep", HTMLInputElement);
    const keepOut = Dom.byId("keep-out", HTMLOutputElement);
    const bar = Dom.find(document, ".shared-bar");
    const caption = Dom.byId("bar-says", HTMLElement);
    const layerSays = Dom.byId("layer-says", HTMLElement);
    const strength = Dom.byId("strength", HTMLInputElement);
    const output = Dom.byId("strength-out", HTMLOutputElement);
    fill(selects.layer, State.layers(page), (name) => layerName(page, name, get()));
    fill(selects.head, State.heads(page), (name) => name);
    fill(
      selects.query,
      page.queries.map((choice) => choice.id),
      (id) => Words.query(page, id),
    );
    for (const [name, select] of Object.entries(selects)) {
      select.addEventListener("change", () => set({ [name]: select.value }, "push"));
    }
    const modes = [...Dom.byId("mode", HTMLFieldSetElement).querySelectorAll("input")];
    for (const mode of modes) {
      mode.addEventListener("change", () => {
        const look = mode.value === "look";
        Kept.remember(look);
        set(look ? State.LOOK : State.COMPARE, "push");
      });
    }
    strength.addEventListener("input", () => set({ strength: Number(strength.value) }, "replace"));
    clip.addEventListener("change", () => set({ clip: Number(clip.value) }, "push"));
    keep.addEventListener("input", () => set({ keep: Number(keep.value) }, "replace"));
    for (const button of document.querySelectorAll("[data-step]")) {
      if (!(button instanceof HTMLButtonElement)) continue;
      const name = button.dataset.step === "layer" ? "layer" : "head";
      const by = Number(button.dataset.by);
      button.addEventListener("click", () => {
        const values = name === "layer" ? State.layers(page) : State.heads(page);
        const next = values[values.indexOf(get()[name]) + by];
        if (next) set({ [name]: next }, "walk");
      });
    }

    keepClear();
    more();
    /** @type {ScaleRange | null} */
    let shown = null;
    Lifetime.resized(bar, () => {
      if (shown) ColorBars.update(bar, shown);
    });

    return {
      /**
       * Write numbers below the bar, or hide them if each model has its own bar.
       * @param {ScaleRange | null} range
       * @param {State} state
       */
      showRange(range, state) {
        document.body.classList.toggle("own-scales", !range && state.scale !== "shared");
        const values = state.query === Words.VALUES ? "Value-weighted attention" : "Attention";
        caption.textContent = `${values} (1 = even share), ${WHOSE[state.scale]}`;
        caption.title = caption.textContent;
        shown = range;
        if (range) ColorBars.update(bar, range);
      },

      /** @param {State} state */
      update(state) {
        for (const option of selects.layer.options) option.text = layerName(page, option.value, state);
        selects.layer.value = state.layer;
        selects.head.value = state.head;
        selects.query.value = state.query;
        selects.scale.value = state.scale;
        selects.form.value = state.form;
        selects.outliers.value = state.outliers;
        selects.draw.value = state.draw;
        selects.pairLayers.value = state.pairLayers;
        for (const mode of modes) {
          const { scale, draw } = mode.value === "look" ? State.LOOK : State.COMPARE;
          mode.checked = state.scale === scale && state.draw === draw;
        }
        const byDepth = state.pairLayers === "depth";
        layerSays.textContent = byDepth ? "Layer by depth" : "Layer";
        layerSays.title = byDepth ? "Layers are matched by relative depth. More: match layers by number." : "";
        selects.pairHeads.value = state.pairHeads;
        Dom.byId("pairing-says", HTMLElement).textContent = Words.pairing(page, state);
        clip.value = String(state.clip);
        keep.value = String(state.keep);
        keepOut.textContent = state.keep < 100 ? `${state.keep}\u00a0%` : "all";
        strength.value = String(state.strength);
        output.textContent = `${state.strength}\u00a0%`;
        for (const button of document.querySelectorAll("[data-step]")) {
          if (!(button instanceof HTMLButtonElement)) continue;
          const layer = button.dataset.step === "layer";
          const values = layer ? State.layers(page) : State.heads(page);
          const at = values.indexOf(layer ? state.layer : state.head) + Number(button.dataset.by);
          button.setAttribute("aria-disabled", String(at < 0 || at >= values.length));
        }
      },
    };
  }

  /**
   * A layer in the list, and whether a model attends within windows there.
   * @param {PageData} page
   * @param {RowLabel} name
   * @param {State} state
   */
  function layerName(page, name, state) {
    if (name === "pool") return name;
    const number = Number(name);
    const windows = page.models.some((model) => {
      const own = state.pairLayers === "depth" ? Pairing.atDepth(number, page.layers, model.layers) : number;
      return Words.windows(model, String(own));
    });
    return `${name} of ${page.layers}${windows ? ", windows" : ""}`;
  }

  /** Set the bar's height for the style sheets, so that it never covers a focused element. */
  function keepClear() {
    const bar = Dom.find(document, ".controls");
    const { style } = document.documentElement;
    Lifetime.resized(bar, () => {
      const { position } = getComputedStyle(bar);
      style.setProperty("--bar-top", position === "sticky" ? `${bar.offsetHeight + 12}px` : "0px");
      style.setProperty("--bar-bottom", position === "fixed" ? `${bar.offsetHeight}px` : "0px");
    });
  }

  /** The panel of further settings closes by its button, by Escape and by a click elsewhere. */
  function more() {
    const button = Dom.byId("more", HTMLButtonElement);
    const panel = Dom.byId("more-panel", HTMLElement);
    const signal = Lifetime.signal();
    /** @param {boolean} open */
    const turn = (open) => {
      panel.hidden = !open;
      button.setAttribute("aria-expanded", String(open));
    };
    button.addEventListener("click", () => turn(panel.hidden));
    /** @param {KeyboardEvent} event */
    const keyed = (event) => {
      if (event.key !== "Escape" || panel.hidden) return;
      if (panel.contains(document.activeElement)) button.focus();
      turn(false);
    };
    /** @param {MouseEvent} event */
    const pressed = ({ target }) => {
      if (target instanceof Node && !panel.contains(target) && !button.contains(target)) turn(false);
    };
    document.addEventListener("keydown", keyed, { signal });
    document.addEventListener("click", pressed, { signal });
  }

  /**
   * @param {HTMLSelectElement} select
   * @param {string[]} values
   * @param {(value: string) => string} label
   */
  function fill(select, values, label) {
    select.replaceChildren(...values.map((value) => new Option(label(value), value)));
  }

  return { create };
})();
