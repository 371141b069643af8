"use strict";

// Similar patches: the cosine of one patch's features with those of all others, in every model at once. A
// click or the arrow keys choose the patch. The numbers are loaded when a reader opens the analysis.

const Alike = (() => {
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
        enter: () => {},
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
    const crop = Places.crop(page);
    Stages.cover(box, crop, model);
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
    stage.style.aspectRatio = String(crop.width / crop.height);
    const says = Dom.make("p", { class: "panel-text", "aria-live": "polite" }, ["Loading…"]);
    Stages.listen(stage, crop, actions);
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
    const crop = Places.crop(page);
    Stages.mark(one.query, crop, model, origin);
    Stages.mark(one.mark, crop, model, pointed);
    if (!features) return;
    const grid = Places.measured(model);
    const own = Places.patchAt(grid, origin);
    one.canvas.hidden = !own;
    if (!own) {
      one.says.textContent = "The chosen patch is outside of what this model saw.";
      return;
    }
    const cols = grid.grid[1];
    const index = own.row * cols + own.col;
    const values = Cosines.of(features, index);
    Stages.fill(one.canvas, Diverging.image(values, cols, 1));
    const there = pointed && Places.patchAt(grid, pointed);
    const at = there ? there.row * cols + there.col : Cosines.nearest(values, index);
    one.says.textContent =
      `Cosine ${Numbers.number(values[at])} ${there ? "with" : "with the nearest:"} row ${Math.floor(at / cols) + 1}, ` +
      `col ${(at % cols) + 1}. The patch: row ${own.row + 1}, col ${own.col + 1}. ` +
      `Rounded to ±${features.error[0]}.`;
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
