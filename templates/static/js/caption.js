"use strict";

// The caption of a figure made from the current view.

const Caption = (() => {
  /**
   * @param {PageData} page
   * @param {ModelView[]} views
   * @param {State[]} states what each model shows of the state
   * @param {Shown[]} shown
   * @param {State} state
   */
  function text(page, views, states, shown, state) {
    const models = views.map(({ model }, i) => {
      const where = `${Words.layerOf(model, states[i].layer)}, ${Words.head(states[i].head)}`;
      const query = Words.note(page, model, states[i]);
      const found = shown[i];
      const reason = found.kind === "absent" || found.kind === "failed" ? ` (${found.reason})` : "";
      return `${model.label}: ${model.source}; ${where}${query ? `, ${query}` : ""}${reason}.`;
    });
    const parts = [
      `Attention of ${queryName(page, state)} on ${page.title}, in times uniform (attention times the number of keys).`,
      ...models,
      scale(views, shown, state),
      Words.pairing(page, state),
      squares(views, state),
    ];
    if (state.keep < 100) parts.push(`Only patches that hold the top ${state.keep}\u00a0% of the mass are shown.`);
    if (state.outliers === "outline") {
      parts.push("Dashed: outlier patches, whose norm is over 3 times the median patch's after that layer.");
    }
    if (states.some(({ head }) => head === "max")) parts.push("A maximum over heads is not a distribution.");
    if (states.some(({ head }) => head === "min")) parts.push("A minimum over heads does not sum to one.");
    return parts.filter(Boolean).join(" ");
  }

  /**
   * @param {ModelView[]} views
   * @param {State} state
   */
  function squares(views, state) {
    const coarse = views.some(({ model }) => Words.patchesIn(model) > 1);
    const what = coarse ? "cell of the grid shown, the mean of its patches" : "patch";
    return state.draw === "smooth" ? "Interpolated between patches." : `One square a ${what}, not interpolated.`;
  }

  /**
   * @param {PageData} page
   * @param {State} state
   */
  function queryName(page, state) {
    if (state.query !== Chunks.PATCH) return Words.query(page, state.query).replace(/^(?!all )/, "the ");
    const place = State.origin(page, state);
    return place ? `the patch at x ${place.x.toFixed(0)}, y ${place.y.toFixed(0)}` : "a patch";
  }

  /**
   * @param {ModelView[]} views
   * @param {Shown[]} shown
   * @param {State} state
   */
  function scale(views, shown, state) {
    const ends = shown.flatMap((one, i) =>
      one.kind === "map"
        ? [{ range: one.range, name: views[i].model.label }]
        : [],
    );
    if (!ends.length) return "";
    const write = (/** @type {ScaleRange} */ { low, high }) =>
      `${ColorBars.write(low)} to ${ColorBars.write(high)}`;
    const same = Ranges.agree(ends.map(({ range }) => range));
    const whose = { shared: "all maps", model: "each model", layer: "each layer", map: "each map" };
    const numbers = same
      ? write(ends[0].range)
      : ends.map(({ range, name }) => `${write(range)} (${name})`).join(", ");
    const cut = state.clip ? `, cut off at ${state.clip}\u00a0% at each end` : "";
    return `Color scale of ${whose[state.scale]}, ${state.form}, ${numbers}${cut}.`;
  }

  return { text };
})();
