"use strict";

// What a click and the arrow keys do on a map: choose the patch that is the query, or pin a reading.

const Asking = (() => {
  /**
   * @param {PageData} page
   * @param {ReturnType<typeof State.create>} state
   * @param {() => PageModel | undefined} first the first model that is shown
   */
  function create(page, state, first) {
    /** The last query that was not a patch. */
    let token = page.queries.find((choice) => choice.id !== Chunks.PATCH)?.id ?? "CLS";
    return { remember, pin, enter, step };

    /** Remember the token to go back to. */
    function remember() {
      const { query } = state.get();
      if (query !== Chunks.PATCH) token = query;
    }

    /**
     * Ask what a patch looks at, in every model; asked twice, go back to the token. With Shift, and
     * where no model can answer, pin the reading instead.
     * @param {PageModel | null} model that was clicked; null for the picture
     * @param {Place} place
     * @param {boolean} second
     */
    function pin(model, place, second) {
      const chosen = state.get();
      if (!second && page.queries.some((choice) => choice.id === Chunks.PATCH)) {
        const grid = model ?? first();
        const [asked, there] = [State.origin(page, chosen), place].map((at) => at && grid && Places.patchAt(grid, at));
        const again = asked && there && asked.row === there.row && asked.col === there.col;
        if (again) state.set({ query: token, from: null }, "push");
        else state.set({ query: Chunks.PATCH, from: Places.rounded(place) }, "walk");
        return;
      }
      const kept = chosen.place;
      const again = kept && Math.hypot(kept.x - place.x, kept.y - place.y) < page.width / 100;
      state.set({ place: again ? null : Places.rounded(place) }, "replace");
    }

    /**
     * @param {PageModel} model
     * @param {boolean} second
     */
    function enter(model, second) {
      const chosen = state.get();
      const place = (second ? null : State.origin(page, chosen)) ?? chosen.place ?? Places.moved(model, null, [0, 0]);
      pin(model, place, second);
    }

    /**
     * Move the query's patch, or the pinned place, over a model's grid; without one, to its middle.
     * @param {PageModel} model
     * @param {[number, number]} by rows and columns
     * @param {boolean} second
     */
    function step(model, by, second) {
      const chosen = state.get();
      const origin = second ? null : State.origin(page, chosen);
      const there = Places.moved(model, origin ?? chosen.place, by);
      state.set(origin ? { from: there } : { place: there }, origin ? "walk" : "replace");
    }
  }

  return { create };
})();
