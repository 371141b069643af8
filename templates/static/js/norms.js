"use strict";

// Norms of patches as multiples of their layer's median; those far above it are outliers. The same
// codes as generator/present/cells/chunks/norm_codes.py. Pure.

const Norms = (() => {
  const OUTLIER = 3;
  const PARTS = 16;
  const FIRST_OUTLIER = 128;

  /**
   * The codes of all patches after a row's layer; none for the pooling probe, which is no layer.
   * @param {Chunk} chunk
   * @param {number} row
   */
  function after(chunk, row) {
    const [rows, cols] = chunk.header.grid;
    const layer = Number(chunk.header.rows[row]);
    // the first line is the embedding's
    return layer ? chunk.norms.subarray(layer * rows * cols, (layer + 1) * rows * cols) : new Uint8Array();
  }

  /**
   * The multiple of the median that a code stands for.
   * @param {number} code
   */
  function times(code) {
    return OUTLIER * 2 ** ((code - FIRST_OUTLIER + 0.5) / PARTS);
  }

  /**
   * For each patch 1 when it is an outlier.
   * @param {Uint8Array} codes
   */
  function outliers(codes) {
    return codes.map((code) => (code < FIRST_OUTLIER ? 0 : 1));
  }

  return { after, times, outliers };
})();
