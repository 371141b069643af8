"use strict";

// Announces changes to screen readers: one sentence, once nothing has changed for a moment.

const Announcer = (() => {
  const REST_MS = 500;

  /**
   * @param {HTMLElement} region
   * @param {() => string} say
   */
  function create(region, say) {
    let timer = 0;
    return {
      soon() {
        clearTimeout(timer);
        timer = window.setTimeout(() => {
          region.textContent = say();
        }, REST_MS);
      },
    };
  }

  /**
   * @param {ModelView[]} views
   * @param {State} state
   * @param {(view: ModelView) => Shown} show
   */
  function sentence(views, state, show) {
    const parts = views.map((view) => `${view.model.label}: ${one(view, state, show(view))}`);
    return `${Words.layer(state.layer)}, ${Words.head(state.head)}. ${parts.join(". ")}.`;
  }

  /**
   * @param {ModelView} view
   * @param {State} state
   * @param {Shown} shown
   */
  function one(view, state, shown) {
    if (shown.kind === "loading") return "loading";
    if (shown.kind === "cosine") {
      const cols = view.model.measured[1];
      const best = Cosines.nearest(shown.values, shown.own.row * cols + shown.own.col);
      const at = `row ${Math.floor(best / cols) + 1}, column ${(best % cols) + 1}`;
      return `most similar patch at ${at}, cosine ${Numbers.number(shown.values[best], 2)}`;
    }
    if (shown.kind !== "map" || !view.chunk) return shown.kind === "map" ? "" : shown.reason;
    const kept = state.place && Places.patchAt(view.model, state.place);
    const patch = kept ?? Places.strongest(view.chunk, shown.row, shown.column);
    const times = Numbers.number(Places.value(view.chunk, shown.row, shown.column, patch));
    const where = `row ${patch.row + 1}, column ${patch.col + 1}`;
    const windows = Words.windows(view.model, view.chunk.header.rows[shown.row]);
    return `${windows && `${windows}, `}${kept ? "" : "strongest "}${times} times uniform at ${where}`;
  }

  return { create, sentence };
})();
