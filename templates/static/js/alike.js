"use strict";

// Similar patches: the cosine of one patch's features with those of all others, in every model at once. A
// click or the arrow keys choose the patch. The numbers are loaded when a reader opens the analysis.

const Alike = (() => {
  const ZERO = 128;

  /**
   * @param {HTMLDetailsElement} root
   * @param {PageData} page
   * @param {(place: Place) => void} choose
   */
  function create(root, page, choose) {
    /** @type {Place | null} */
    let pointed = null;
    /** @type {State | null} */
    let state = null;
    const models = [...root.querySelectorAll(".study-model")].flatMap((element, i) => {
      const model = page.models[i];
      if (!model?.alike) return [];
      const one = build(element, page, model, {
        point: (place) => {
          pointed = place;
          show();
        },
        pin: (place) => choose(Places.rounded(place)),
        step: (by) => choose(Places.moved(model, state && placeOf(page, state), by)),
      });
      Lifetime.resized(one.stage, show);
      return [one];
    });

    function show() {
      if (!state || !root.open) return;
      for (const one of models) {
        if (!one.asked) {
          one.asked = true;
          Chunks.loadAlike(one.model.record, one.model.alike).then(
            (features) => {
              one.features = features;
              show();
            },
            () => {
              one.says.textContent = "The features could not be loaded.";
            },
          );
        }
        draw(one, page, state, pointed);
      }
    }

    root.addEventListener("toggle", show);
    return {
      /** @param {State} now */
      update(now) {
        state = now;
        show();
      },
    };
  }

  /**
   * @typedef {object} One
   * @property {PageModel} model
   * @property {HTMLElement} stage
   * @property {HTMLCanvasElement} canvas
   * @property {HTMLElement} query
   * @property {HTMLElement} mark
   * @property {HTMLElement} says
   * @property {AlikeFeatures | null} features
   * @property {boolean} asked whether they were requested
   */

  /**
   * @param {Element} element
   * @param {PageData} page
   * @param {PageModel} model
   * @param {StageActions} actions
   * @returns {One}
   */
  function build(element, page, model, actions) {
    const { box, canvas } = Stages.layers();
    Stages.cover(box, page, model);
    const query = Dom.make("div", { class: "stage-mark stage-query", hidden: "" });
    const mark = Dom.make("div", { class: "stage-mark", hidden: "" });
    const stage = Dom.make(
      "div",
      {
        class: "stage alike-stage",
        tabindex: "0",
        role: "application",
        "aria-roledescription": "cosine map",
        "aria-label": `${model.label}: cosines with the chosen patch. Arrow keys choose another.`,
      },
      [box, query, mark],
    );
    stage.style.aspectRatio = String(page.width / page.height);
    stage.style.maxWidth = `calc(80vh * ${page.width / page.height})`;
    const says = Dom.make("p", { class: "panel-text", "aria-live": "polite" }, ["Loading…"]);
    Stages.listen(stage, page, actions);
    Stages.walk(stage, actions);
    const panels = element.querySelector(".panels");
    element.insertBefore(Dom.make("div", { class: "alike-live" }, [stage, says]), panels);
    return { model, stage, canvas, query, mark, says, features: null, asked: false };
  }

  /**
   * @param {One} one
   * @param {PageData} page
   * @param {State} state
   * @param {Place | null} pointed
   */
  function draw(one, page, state, pointed) {
    const { model, features } = one;
    const origin = placeOf(page, state);
    Stages.mark(one.query, page, model, origin);
    Stages.mark(one.mark, page, model, pointed);
    if (!features) return;
    const own = Places.patchAt(model, origin);
    one.canvas.hidden = !own;
    if (!own) {
      one.says.textContent = "The chosen patch is outside of what this model saw.";
      return;
    }
    const cols = model.grid[1];
    const index = own.row * cols + own.col;
    const values = cosines(features, index);
    Stages.fill(one.canvas, Diverging.image(values, cols, 1));
    const there = pointed && Places.patchAt(model, pointed);
    const at = there ? there.row * cols + there.col : nearest(values, index);
    one.says.textContent =
      `Cosine ${Numbers.number(values[at])} ${there ? "with" : "with the nearest:"} row ${Math.floor(at / cols) + 1}, ` +
      `col ${(at % cols) + 1}. The patch: row ${own.row + 1}, col ${own.col + 1}. ` +
      `Read to within ${features.error[0]}.`;
  }

  /**
   * @param {AlikeFeatures} features
   * @param {number} patch
   */
  function cosines({ codes, scales, patches }, patch) {
    const values = new Float32Array(patches);
    scales.forEach((scale, direction) => {
      const line = direction * patches;
      const own = (codes[line + patch] - ZERO) * scale * scale;
      for (let i = 0; i < patches; i += 1) values[i] += own * (codes[line + i] - ZERO);
    });
    return values.map((value) => Math.min(1, Math.max(-1, value)));
  }

  /**
   * The most similar patch, other than itself.
   * @param {Float32Array} values
   * @param {number} own
   */
  function nearest(values, own) {
    let best = own === 0 ? 1 : 0;
    values.forEach((value, i) => {
      if (i !== own && value > values[best]) best = i;
    });
    return best;
  }

  /**
   * The chosen place, or the middle of the picture.
   * @param {PageData} page
   * @param {State} state
   */
  function placeOf(page, state) {
    return state.alike ?? { x: page.width / 2, y: page.height / 2 };
  }

  return { create };
})();
