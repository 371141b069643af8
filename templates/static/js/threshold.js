"use strict";

// The patches that hold most of a map's mass, as DINO's visualisation has it: sort, and keep the
// strongest until they hold the wanted share. Pure.

const Threshold = (() => {
  /**
   * For each patch 1 when it is kept. The smallest set of the strongest that holds the share.
   * @param {ArrayLike<number>} values
   * @param {number} share of the mass on patches, 0 to 1
   */
  function mask(values, share) {
    const order = Array.from(values, (_, i) => i).sort((a, b) => values[b] - values[a] || a - b);
    let total = 0;
    for (let i = 0; i < values.length; i += 1) total += values[i];
    const kept = new Uint8Array(values.length);
    let mass = 0;
    for (const i of order) {
      // a hair's breadth, so that the rounding of a sum decides nothing
      if (mass >= share * total * (1 - 1e-9)) break;
      kept[i] = 1;
      mass += values[i];
    }
    return kept;
  }

  /**
   * The lines around what is kept: x and y of both ends, in patches.
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
