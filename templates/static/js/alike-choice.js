"use strict";

// Loads the script of similar patches when a reader opens that analysis.

const AlikeChoice = (() => {
  /**
   * @param {PageData} page
   * @param {(place: Place) => void} choose
   * @returns {{update: (state: State) => void}}
   */
  function create(page, choose) {
    const found = document.getElementById("analysis-alike");
    if (!(found instanceof HTMLDetailsElement)) return { update: () => {} };
    const root = found;
    const signal = Lifetime.signal();
    /** @type {ReturnType<typeof Alike.create> | null} */
    let alike = null;
    /** @type {State | null} */
    let state = null;
    let asked = false;

    function ask() {
      if (asked || !root.open) return;
      asked = true;
      Later.load("alike").then(
        () => {
          if (signal.aborted) return;
          alike = Alike.create(root, page, choose);
          if (state) alike.update(state);
        },
        () => {
          asked = false;
        },
      );
    }

    root.addEventListener("toggle", ask);
    return {
      update(now) {
        // an address that names a patch opens the analysis
        if (now.alike && !state && page.models.some((model) => model.alike)) root.open = true;
        state = now;
        ask();
        alike?.update(now);
      },
    };
  }

  return { create };
})();
