"use strict";

// The bar of controls: native selects, buttons and a range, in words.

const Controls = (() => {
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
      draw: Dom.byId("draw", HTMLSelectElement),
    };
    const strength = Dom.byId("strength", HTMLInputElement);
    const output = Dom.byId("strength-out", HTMLOutputElement);
    fill(selects.layer, State.layers(page), (name) => (name === "pool" ? "pool" : name));
    fill(selects.head, State.heads(page), (name) => name);
    fill(
      selects.query,
      page.queries.map((choice) => choice.id),
      (id) => Words.query(page, id),
    );
    for (const [name, select] of Object.entries(selects)) {
      select.addEventListener("change", () => set({ [name]: select.value }, "push"));
    }
    strength.addEventListener("input", () => set({ strength: Number(strength.value) }, "replace"));
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

    return {
      /** @param {State} state */
      update(state) {
        selects.layer.value = state.layer;
        selects.head.value = state.head;
        selects.query.value = state.query;
        selects.scale.value = state.scale;
        selects.draw.value = state.draw;
        strength.value = String(state.strength);
        output.textContent = `${state.strength} %`;
        document.body.classList.toggle("own-scales", state.scale === "map");
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

  /** Tell the styles how much of the window the bar covers, so that nothing focused hides there. */
  function keepClear() {
    const bar = Dom.find(document, ".controls");
    const main = Dom.find(document, ".controls-main");
    new ResizeObserver(() => {
      const sticky = getComputedStyle(bar).position === "sticky" ? bar : main;
      const height = `${sticky.offsetHeight + 12}px`;
      document.documentElement.style.setProperty("--bar-height", height);
    }).observe(main);
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
