"use strict";

// The patches that hold most of a map's mass, as in DINO's visualization: sort, and keep the
// strongest until they hold the chosen share. Pure.

const Threshold = (() => {
  /**
   * For each patch 1 if it is kept: the smallest set of the strongest that holds the share; ties by
   * position.
   * @param {Uint8Array} codes a value is its code squared, times something that is the same for all
   * @param {number} percent of the mass on patches
   */
  function mask(codes, percent) {
    const counts = new Uint32Array(256);
    for (const code of codes) counts[code] += 1;
    const total = counts.reduce((sum, count, code) => sum + count * code * code, 0);
    // a tolerance, so that rounding errors have no effect
    let wanted = (percent / 100) * total * (1 - 1e-9);
    const room = new Uint32Array(256);
    for (let code = 255; code > 0 && wanted > 0; code -= 1) {
      room[code] = Math.min(counts[code], Math.ceil(wanted / (code * code)));
      wanted -= room[code] * code * code;
    }
    return codes.map((code) => (room[code] > 0 ? ((room[code] -= 1), 1) : 0));
  }

  /**
   * The outline of the kept patches: x and y of both ends of each line, in patches.
   * @param {Uint8Array} kept
   * @param {number} cols
   * @returns {[number, number, number, number][]}
   */
  function contour(kept, cols) {
    const rows = kept.length / cols;
    const at = (/** @type {number} */ row, /** @type {number} */ col) =>
      row >= 0 && col >= 0 && row < rows && col < cols ? kept[row * cols + col] : 0;
    /** @type {[number, number, number, number][]} */
    const lines = [];
    for (let row = 0; row <= rows; row += 1) {
      for (let col = 0; col <= cols; col += 1) {
        if (at(row, col) !== at(row - 1, col)) lines.push([col, row, col + 1, row]);
        if (at(row, col) !== at(row, col - 1)) lines.push([col, row, col, row + 1]);
      }
    }
    return lines;
  }

  return { mask, contour };
})();
