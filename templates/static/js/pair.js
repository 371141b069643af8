"use strict";

// Two models over one picture: their difference, one after the other, or one beside a slider.

const Pair = (() => {
  const FLICKER_MS = 700;

  /**
   * @param {HTMLElement} root
   * @param {PageData} page
   * @param {(patch: Partial<State>, how: "push" | "replace") => void} set
   */
  function create(root, page, set) {
    const stage = Dom.find(root, "[data-pair]");
    stage.style.aspectRatio = String(page.width / page.height);
    stage.style.maxWidth = `calc(80vh * ${page.width / page.height})`;
    const layers = [layer("pair-a"), layer("pair-b"), layer("pair-difference")];
    const line = Dom.make("div", { class: "pair-line for-slider" });
    stage.append(...layers.map((each) => each.element), line);
    const slide = Dom.byId("slide", HTMLInputElement);
    const flick = Dom.find(root, "#flick");
    const play = Dom.find(root, "#play");
    const says = Dom.find(root, "#pair-says");
    const bar = differenceBar(Dom.find(root, "#pair-bar"));
    let second = false;
    let timer = 0;
    let redraw = () => {};

    slide.addEventListener("input", () => set({ slide: Number(slide.value) }, "replace"));
    flick.addEventListener("click", () => turn());
    play.addEventListener("click", () => {
      if (timer) stop();
      else timer = window.setInterval(turn, FLICKER_MS);
      play.textContent = timer ? "Stop" : "Play";
    });
    new ResizeObserver(() => redraw()).observe(stage);

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
       */
      update(a, b, state) {
        if (state.how !== "flicker" && timer) stop();
        root.dataset.how = state.how;
        slide.value = String(state.slide);
        line.style.left = `${state.slide}%`;
        redraw = () => {
          show(layers, page, a, b, state, second);
          const names = [a.view.model.label, b.view.model.label];
          says.textContent = describe(a, b, state, second, names);
          if (state.how === "difference") bar.update(difference(a, b), names);
        };
        redraw();
      },
    };
  }

  /** @param {string} name */
  function layer(name) {
    const canvas = document.createElement("canvas");
    canvas.className = "stage-map";
    const box = Dom.make("div", { class: "stage-box" }, [canvas]);
    const element = Dom.make("div", { class: `pair-layer ${name}` }, [box]);
    return { element, box, canvas };
  }

  /**
   * @param {ReturnType<typeof layer>[]} layers
   * @param {PageData} page
   * @param {{view: ModelView, shown: Shown}} a
   * @param {{view: ModelView, shown: Shown}} b
   * @param {State} state
   * @param {boolean} second
   */
  function show(layers, page, a, b, state, second) {
    const [first, other, apart] = layers;
    first.element.hidden = state.how === "difference" || (state.how === "flicker" && second);
    other.element.hidden = state.how === "difference" || (state.how === "flicker" && !second);
    apart.element.hidden = state.how !== "difference";
    const cut = state.how === "slider" ? state.slide : null;
    first.element.style.clipPath = cut === null ? "" : `inset(0 ${100 - cut}% 0 0)`;
    other.element.style.clipPath = cut === null ? "" : `inset(0 0 0 ${cut}%)`;
    for (const [each, { view, shown }] of /** @type {const} */ ([[first, a], [other, b]])) {
      Stages.cover(each.box, page, view.model);
      each.canvas.hidden = shown.kind !== "map";
      each.canvas.style.opacity = String(state.strength / 100);
      if (!each.element.hidden) Stages.draw(each.canvas, view, state, shown);
    }
    const found = state.how === "difference" ? difference(a, b) : null;
    apart.canvas.hidden = !found;
    apart.canvas.style.opacity = String(state.strength / 100);
    if (!found) return;
    Stages.cover(apart.box, page, found.grid);
    const image = Diverging.image(found.values, found.grid.grid[1], found.most);
    Stages.fill(apart.canvas, image);
  }

  /**
   * Which of two maps has more, in times an even share of the common grid.
   * @param {{view: ModelView, shown: Shown}} one
   * @param {{view: ModelView, shown: Shown}} two
   */
  function difference(one, two) {
    const { a, b, grid } = Maps.pair(one, two) ?? { a: null, b: null, grid: null };
    if (!a || !b || !grid) return null;
    const values = Float64Array.from(a, (share, i) => (share - b[i]) * a.length);
    const most = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) || 1;
    return { values, grid, most, divergence: Compare.divergence(a, b) };
  }

  /**
   * @param {{view: ModelView, shown: Shown}} a
   * @param {{view: ModelView, shown: Shown}} b
   * @param {State} state
   * @param {boolean} second
   * @param {string[]} names
   */
  function describe(a, b, state, second, names) {
    if (state.how === "slider") return `Left ${names[0]}, right ${names[1]}.`;
    if (state.how === "flicker") return `Shown: ${names[second ? 1 : 0]}.`;
    const found = difference(a, b);
    if (!found) return "There are no two maps to compare here.";
    const [rows, cols] = found.grid.grid;
    return (
      `Share of the attention on patches, ${names[0]} minus ${names[1]}, on the coarser grid of ` +
      `${rows} × ${cols}. Jensen-Shannon divergence ${found.divergence.toFixed(3)} of 1 bit.`
    );
  }

  /** @param {HTMLElement} root */
  function differenceBar(root) {
    const canvas = document.createElement("canvas");
    const low = Dom.make("span");
    const high = Dom.make("span");
    root.append(canvas, Dom.make("p", { class: "pair-ends" }, [low, "0", high]));
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
        low.textContent = `−${Numbers.times(found.most)}: more in ${names[1]}`;
        high.textContent = `more in ${names[0]}: +${Numbers.times(found.most)}`;
      },
    };
  }

  return { create };
})();
