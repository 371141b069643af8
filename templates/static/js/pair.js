"use strict";

// Two models over one picture: their difference, in alternation, or divided by a slider.

const Pair = (() => {
  const FLICKER_MS = 700;

  /**
   * @param {HTMLElement} root
   * @param {PageData} page
   * @param {ViewActions} actions
   */
  function create(root, page, { set, point, pin }) {
    const stage = Dom.find(root, "[data-pair]");
    const crop = Places.crop(page);
    Stages.shape(stage, page, crop);
    stage.style.setProperty("--shape", String(crop.width / crop.height));
    const layers = [layer("pair-a"), layer("pair-b"), layer("pair-difference")];
    const line = Dom.make("div", { class: "pair-line for-slider" });
    const names = ["first", "second"].map((side) => Dom.make("p", { class: `pair-name pair-${side}` }));
    const mark = Dom.make("div", { class: "stage-mark", hidden: "" });
    stage.append(...layers.map((each) => each.element), line, mark, ...names);
    Stages.listen(stage, crop, {
      point,
      pin: (place, second) => {
        if (!dragged) pin(place, second);
      },
    });
    const slide = Dom.byId("slide", HTMLInputElement);
    const flick = Dom.find(root, "#flick");
    const play = Dom.find(root, "#play");
    const says = Dom.find(root, "#pair-says");
    const value = Dom.find(root, "#pair-value");
    const bar = differenceBar(Dom.find(root, "#pair-bar"));
    let second = false;
    let dragged = false;
    let timer = 0;
    let redraw = () => {};

    slide.addEventListener("input", () => set({ slide: Number(slide.value) }, "replace"));
    drag();
    flick.addEventListener("click", () => turn());
    play.addEventListener("click", () => {
      if (timer) stop();
      else timer = window.setInterval(turn, FLICKER_MS);
      play.textContent = timer ? "Stop" : "Play";
    });
    Lifetime.resized(stage, () => redraw());
    Lifetime.signal().addEventListener("abort", stop);

    /** The border follows a pointer that is pressed on the picture. */
    function drag() {
      let pressed = false;
      /** @param {PointerEvent} event */
      const follow = (event) => {
        const box = stage.getBoundingClientRect();
        const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
        set({ slide: Math.round(100 * share) }, "replace");
      };
      stage.addEventListener("pointerdown", (event) => {
        dragged = root.dataset.how === "slider";
        if (!dragged) return;
        pressed = true;
        stage.setPointerCapture(event.pointerId);
        follow(event);
      });
      stage.addEventListener("pointermove", (event) => {
        if (pressed) follow(event);
      });
      for (const kind of ["pointerup", "pointercancel"]) {
        stage.addEventListener(kind, () => {
          pressed = false;
        });
      }
    }

    function stop() {
      clearInterval(timer);
      timer = 0;
      play.textContent = "Play";
    }

    function turn() {
      second = !second;
      redraw();
    }

    return {
      stop,
      /**
       * @param {{view: ModelView, shown: Shown}} a
       * @param {{view: ModelView, shown: Shown}} b
       * @param {State} state
       * @param {Place | null} place
       */
      update(a, b, state, place) {
        if (state.how !== "flicker" && timer) stop();
        root.dataset.how = state.how;
        slide.value = String(state.slide);
        line.style.left = `${state.slide}%`;
        redraw = () => {
          const labels = [a.view.model.label, b.view.model.label];
          const lacks = lacking([a, b]);
          stage.hidden = lacks !== "";
          const found = state.how === "difference" && !lacks ? difference(a, b) : null;
          says.textContent = lacks || describe(found, state, second, labels);
          value.replaceChildren(...(found ? valueText(found, labels, place) : []));
          bar.update(found, labels);
          names.forEach((name, i) => {
            name.textContent = labels[i];
            name.hidden = state.how === "difference" || (state.how === "flicker" && second !== (i === 1));
          });
          if (lacks) return;
          show(layers, crop, a, b, state, second);
          Stages.mark(mark, crop, found && found.grid, place);
        };
        redraw();
      },
    };
  }

  /** @param {string} name */
  function layer(name) {
    const parts = Stages.layers();
    return { ...parts, element: Dom.make("div", { class: `pair-layer ${name}` }, [parts.box]) };
  }

  /**
   * @param {ReturnType<typeof layer>[]} layers
   * @param {Box} crop
   * @param {{view: ModelView, shown: Shown}} a
   * @param {{view: ModelView, shown: Shown}} b
   * @param {State} state
   * @param {boolean} second
   */
  function show(layers, crop, a, b, state, second) {
    const [first, other, apart] = layers;
    first.element.hidden = state.how === "difference" || (state.how === "flicker" && second);
    other.element.hidden = state.how === "difference" || (state.how === "flicker" && !second);
    apart.element.hidden = state.how !== "difference";
    const cut = state.how === "slider" ? state.slide : null;
    first.element.style.clipPath = cut === null ? "" : `inset(0 ${100 - cut}% 0 0)`;
    other.element.style.clipPath = cut === null ? "" : `inset(0 0 0 ${cut}%)`;
    for (const [each, { view, shown }] of /** @type {const} */ ([[first, a], [other, b]])) {
      Stages.cover(each.box, crop, view.model);
      each.canvas.hidden = shown.kind !== "map";
      each.canvas.style.opacity = String(state.strength / 100);
      if (!each.element.hidden) Stages.draw(each, view, state, shown);
    }
    const found = state.how === "difference" ? difference(a, b) : null;
    apart.canvas.hidden = !found;
    apart.canvas.style.opacity = String(state.strength / 100);
    if (!found) return;
    Stages.cover(apart.box, crop, found.grid);
    const image = Diverging.image(found.values, found.grid.grid[1], found.most);
    Stages.fill(apart.canvas, image);
  }

  /**
   * The first map minus the second, as everywhere in a gallery, in times uniform of the common grid.
   * @param {{view: ModelView, shown: Shown}} one
   * @param {{view: ModelView, shown: Shown}} two
   */
  function difference(one, two) {
    const { a, b, grid } = Maps.pair(one, two) ?? { a: null, b: null, grid: null };
    if (!a || !b || !grid) return null;
    const [first, second] = [a, b].map((shares) => shares.map((share) => share * a.length));
    const values = first.map((value, i) => value - second[i]);
    const most = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
    return { values, first, second, grid, most, divergence: Compare.divergence(a, b) };
  }

  /**
   * The difference at a place; without a place, the largest.
   * @param {NonNullable<ReturnType<typeof difference>>} found
   * @param {string[]} names
   * @param {Place | null} place
   */
  function valueText({ values, first, second, grid }, names, place) {
    const cols = grid.grid[1];
    const patch = place && Places.patchAt(grid, place);
    if (place && !patch) return ["Outside of what is compared."];
    const largest = values.reduce((best, value, i) => (Math.abs(value) > Math.abs(values[best]) ? i : best), 0);
    const at = patch ? patch.row * cols + patch.col : largest;
    const more = values[at] ? `, more in ${names[values[at] > 0 ? 0 : 1]}` : "";
    return [
      Dom.make("span", {}, [
        Dom.make("strong", {}, [`${Numbers.signed(values[at])} ×`]),
        ` uniform${more}`,
      ]),
      Dom.make("span", {}, [`${names[0]} ${Numbers.number(first[at])} ×, ${names[1]} ${Numbers.number(second[at])} ×`]),
      Dom.make("span", { class: "where" }, [
        `${patch ? "" : "largest: "}row ${Math.floor(at / cols) + 1}, col ${(at % cols) + 1}`,
      ]),
    ];
  }

  /**
   * @param {ReturnType<typeof difference>} found
   * @param {State} state
   * @param {boolean} second
   * @param {string[]} names
   */
  function describe(found, state, second, names) {
    if (state.how === "slider") return "Drag the border on the picture.";
    if (state.how === "flicker") return `Shown: ${names[second ? 1 : 0]}.`;
    if (!found) return "";
    const [rows, cols] = found.grid.grid;
    return (
      `${names[0]} minus ${names[1]}, on the coarser grid of ${rows} × ${cols}. Both maps sum to 1 over ` +
      `patches; 1 × uniform is an even share. Jensen-Shannon divergence ${Numbers.number(found.divergence)} of 1 bit.`
    );
  }

  /**
   * Why there are no two maps to compare, in one sentence; empty if there are.
   * @param {{view: ModelView, shown: Shown}[]} two
   */
  function lacking(two) {
    const without = two.filter(({ shown }) => shown.kind === "absent" || shown.kind === "failed");
    const reasons = without.map(({ view, shown }) => `${view.model.label}: ${"reason" in shown ? shown.reason : ""}`);
    const cosine = two.some(({ shown }) => shown.kind === "cosine");
    return reasons.join(" ") || (cosine ? "Patch queries were not kept for both models." : "");
  }

  /** @param {HTMLElement} root */
  function differenceBar(root) {
    const canvas = document.createElement("canvas");
    const low = Dom.make("span");
    const high = Dom.make("span");
    root.append(canvas, Dom.make("p", { class: "pair-ends" }, [low, "0 × uniform", high]));
    canvas.width = 256;
    canvas.height = 1;
    Paint.context(canvas).putImageData(Diverging.strip(), 0, 0);
    return {
      /**
       * @param {ReturnType<typeof difference>} found
       * @param {string[]} names
       */
      update(found, names) {
        root.hidden = !found;
        if (!found) return;
        low.textContent = `${Numbers.signed(-found.most)}: more in ${names[1]}`;
        high.textContent = `more in ${names[0]}: ${Numbers.signed(found.most)}`;
      },
    };
  }

  return { create };
})();
