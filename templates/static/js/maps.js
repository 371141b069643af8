"use strict";

// Values of single maps, and of two on one grid.

const Maps = (() => {
  /**
   * A map's values in times uniform.
   * @param {Chunk} chunk
   * @param {number} row
   * @param {number} column
   */
  function values(chunk, row, column) {
    const maximum = chunk.header.maxima[row][column] ?? 0;
    return Float64Array.from(Paint.mapCodes(chunk, row, column), (code) => Scale.value(code, maximum));
  }

  /**
   * Two maps as distributions over the coarser grid; null if one of them is missing.
   * @param {{view: ModelView, shown: Shown}} one
   * @param {{view: ModelView, shown: Shown}} two
   */
  function pair(one, two) {
    const [a, b] = [one, two].map(({ view, shown }) =>
      shown.kind === "map" && view.chunk ? values(view.chunk, shown.row, shown.column) : null,
    );
    return a && b ? Compare.common(a, one.view.model, b, two.view.model) : null;
  }

  return { values, pair };
})();
