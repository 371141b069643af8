"use strict";

// The range of each map's scale: one for all, or one for each model, layer or map.

const Ranges = (() => {
  /** The percentage cut off by the gallery's own scale. */
  const USUAL = 0.5;

  /**
   * @param {PageData} page
   * @param {() => ModelView[]} views
   */
  function create(page, views) {
    /** @type {Map<string, ModelOffScale>} */
    const lost = new Map();
    /** @type {Map<string, ScaleRange>} */
    const known = new Map();
    /** @type {(Chunk | null)[]} */
    let former = [];
    let turn = 0;

    /** Drop ranges of chunks that are no longer shown. */
    function refresh() {
      const chunks = views().map((view) => view.chunk);
      if (chunks.length === former.length && chunks.every((chunk, i) => chunk === former[i])) return;
      former = chunks;
      turn += 1;
      known.clear();
      lost.clear();
    }

    /**
     * @param {ModelView} view
     * @param {number} row
     * @param {number} column
     * @param {State} state
     * @returns {ScaleRange}
     */
    function of(view, row, column, state) {
      refresh();
      const { scale, form, clip } = state;
      const [first] = Sweeps.family(page, view.index);
      const scope = { shared: "", model: `${first}`, layer: `${row}`, map: `${view.index} ${row} ${column}` };
      const key = `${scale} ${form} ${clip} ${scope[scale]}`;
      let range = known.get(key);
      if (!range) {
        const gallery = scale === "shared" && clip === USUAL;
        const [low, high] = view.chunk?.self ? page.patch_scale : page.scale;
        range = gallery
          ? { low: form === "log2" ? 2 ** low : 0, high: 2 ** high, form }
          : Scale.rangeOf(counted(view, row, column, scale), clip, form);
        known.set(key, range);
      }
      return range;
    }

    /**
     * @param {ModelView} view
     * @param {number} row
     * @param {number} column
     * @param {ScaleName} scale
     */
    function counted(view, row, column, scale) {
      const bins = Scale.histogram();
      const family = scale === "map" ? [view.index] : Sweeps.family(page, view.index);
      const among =
        scale === "shared" || scale === "layer"
          ? views()
          : views().filter(({ index }) => family.includes(index));
      for (const { chunk } of among) {
        if (!chunk) continue;
        chunk.header.maxima.forEach((maxima, r) => {
          if ((scale === "layer" || scale === "map") && r !== row) return;
          maxima.forEach((maximum, c) => {
            // extremes over heads count only on their own scale: their values are in the heads already
            const fused = c > chunk.header.heads && scale !== "map";
            if (maximum === null || fused || (scale === "map" && c !== column)) return;
            Scale.count(bins, Paint.others(chunk, r, c), maximum);
          });
        });
      }
      return bins;
    }

    /**
     * Number of clipped patches in all maps of a model. The query itself and the extremes over heads
     * are left out, as in finding a scale; the minimum, much of which may be below a scale of single
     * heads, is counted separately.
     * @param {ModelView} view
     * @param {State} state
     */
    function off(view, state) {
      const name = `${view.index} ${key(state)}`;
      let found = lost.get(name);
      if (!found) {
        const sum = { above: 0, below: 0, of: 0 };
        const least = { above: 0, below: 0, of: 0 };
        const { chunk } = view;
        chunk?.header.maxima.forEach((maxima, r) => {
          maxima.forEach((maximum, c) => {
            const into = c <= chunk.header.heads ? sum : c === chunk.header.heads + 2 ? least : null;
            if (maximum === null || !into) return;
            const one = Marks.off(Paint.others(chunk, r, c), maximum, of(view, r, c, state));
            into.above += one.above;
            into.below += one.below;
            into.of += one.of;
          });
        });
        lost.set(name, (found = { ...sum, least }));
      }
      return found;
    }

    /**
     * A key of everything that the colors of all maps depend on, besides their chunk.
     * @param {State} state
     */
    function key({ scale, form, clip, keep }) {
      refresh();
      const alone = scale === "map" || (scale === "model" && !page.sweeps.length);
      const others = alone ? 0 : turn;
      return `${scale} ${form} ${clip} ${keep} ${others}`;
    }

    return { of, off, key };
  }

  /**
   * Whether maps are drawn on the same range, so that their colors can be compared.
   * @param {ScaleRange[]} ranges
   */
  function agree(ranges) {
    return ranges.every((range) => range.low === ranges[0].low && range.high === ranges[0].high);
  }

  return { create, agree };
})();
