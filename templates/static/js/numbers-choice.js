"use strict";

// The fold of more numbers: its script is loaded when a reader opens it.

const NumbersChoice = (() => {
  /** @param {() => void} ready called when there is something to update */
  function create(ready) {
    const root = Dom.byId("numbers", HTMLDetailsElement);
    const signal = Lifetime.signal();
    /** @type {Map<ModelView, ReturnType<typeof MapNumbers.create>>} */
    const made = new Map();
    let loaded = false;

    root.addEventListener("toggle", () => {
      if (!root.open) return;
      root.setAttribute("aria-busy", String(!loaded));
      Later.load("numbers")
        .then(
          () => {
            loaded = true;
            if (!signal.aborted) ready();
          },
          () => {},
        )
        .finally(() => root.setAttribute("aria-busy", "false"));
    });

    return {
      open: () => loaded && root.open,
      /**
       * @param {ModelView} view
       * @param {State} state
       * @param {Shown} shown
       * @param {ModelOffScale} off
       */
      update(view, state, shown, off) {
        const found = made.get(view) ?? MapNumbers.create(Dom.find(root, `[data-numbers="${view.index}"]`));
        made.set(view, found);
        found.update(view, state, shown, off);
      },
    };
  }

  return { create };
})();
