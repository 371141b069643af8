"use strict";

// The choice of the view below the large maps. The wall is always loaded; the scripts of the others
// are loaded when a reader first chooses one.

const ViewChoice = (() => {
  /**
   * @param {PageData} page
   * @param {ViewActions} actions
   * @param {() => void} ready called once a view is loaded, or has failed to load
   */
  function create(page, actions, ready) {
    const signal = Lifetime.signal();
    const wall = Dom.find(document, ".walls");
    const tiles = Dom.find(document, ".tiles");
    const pair = Dom.find(document, ".pair-view");
    const bar = Dom.find(document, ".view-choice");
    const problem = Dom.make("p", { role: "status" });
    bar.after(problem);
    const buttons = [...document.querySelectorAll("[data-view]")].filter(
      (each) => each instanceof HTMLButtonElement,
    );
    for (const button of buttons) {
      const view = /** @type {ViewName} */ (button.dataset.view);
      button.addEventListener("click", () => actions.set({ view }, "push"));
    }
    /** @type {ReturnType<typeof Views.create> | null} */
    let views = null;
    let asked = false;
    let sought = false;

    function ask() {
      if (asked) return;
      asked = true;
      Later.load("views").then(
        () => {
          if (signal.aborted) return;
          views = Views.create(page, actions);
          ready();
        },
        () => {
          asked = false;
          problem.textContent = "This view could not be loaded.";
        },
      );
    }

    const choice = {
      /** Scroll to the view once it is there. */
      reveal() {
        if (!views) {
          sought = true;
          return;
        }
        sought = false;
        requestAnimationFrame(() => bar.scrollIntoView({ block: "start", behavior: "instant" }));
      },
      /**
       * @param {ModelView[]} shown that have a column
       * @param {ModelView[]} all of which two may be compared
       * @param {State} state
       * @param {Place | null} place
       */
      update(shown, all, state, place) {
        for (const button of buttons) {
          button.setAttribute("aria-pressed", String(button.dataset.view === state.view));
        }
        problem.textContent = "";
        const other = state.view !== "wall";
        if (other) ask();
        wall.hidden = other;
        tiles.hidden = !views || (state.view !== "heads" && state.view !== "layers");
        pair.hidden = !views || state.view !== "pair";
        bar.setAttribute("aria-busy", String(other && !views));
        views?.update(shown, all, state, place);
        if (sought && views) choice.reveal();
      },
    };
    return choice;
  }

  return { create };
})();
