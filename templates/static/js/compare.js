"use strict";

// Two maps of different models: resampled to one grid, and their divergence. Pure.

const Compare = (() => {
  /**
   * How much of each source interval lies in each target interval, as a share of the source.
   * @param {number} from
   * @param {[number, number]} source ends
   * @param {number} to
   * @param {[number, number]} target ends
   */
  function overlaps(from, source, to, target) {
    const [s, t] = [(source[1] - source[0]) / from, (target[1] - target[0]) / to];
    return Array.from({ length: to }, (_, j) =>
      Array.from({ length: from }, (_, i) => {
        const low = Math.max(source[0] + i * s, target[0] + j * t);
        const high = Math.min(source[0] + (i + 1) * s, target[0] + (j + 1) * t);
        return Math.max(0, high - low) / s;
      }),
    );
  }

  /**
   * Resample a map to another grid by area: the mass of a patch is divided among the cells that it
   * covers, so mass is conserved where both grids cover the picture.
   * @param {ArrayLike<number>} values
   * @param {Grid} from
   * @param {Grid} to
   */
  function resample(values, from, to) {
    const [rows, cols] = from.grid;
    const [toRows, toCols] = to.grid;
    const same = [...from.grid, ...from.view].join() === [...to.grid, ...to.view].join();
    if (same) return Float64Array.from(values);
    const across = overlaps(cols, [from.view[0], from.view[2]], toCols, [to.view[0], to.view[2]]);
    const down = overlaps(rows, [from.view[1], from.view[3]], toRows, [to.view[1], to.view[3]]);
    const wide = new Float64Array(rows * toCols);
    for (let row = 0; row < rows; row += 1) {
      for (let col = 0; col < toCols; col += 1) {
        for (let i = 0; i < cols; i += 1) {
          if (across[col][i]) wide[row * toCols + col] += across[col][i] * values[row * cols + i];
        }
      }
    }
    const found = new Float64Array(toRows * toCols);
    for (let row = 0; row < toRows; row += 1) {
      for (let i = 0; i < rows; i += 1) {
        if (!down[row][i]) continue;
        for (let col = 0; col < toCols; col += 1) {
          found[row * toCols + col] += down[row][i] * wide[i * toCols + col];
        }
      }
    }
    return found;
  }

  /**
   * A distribution: sum 1. A map of zeros stays one.
   * @param {ArrayLike<number>} values
   */
  function normalize(values) {
    let sum = 0;
    for (let i = 0; i < values.length; i += 1) sum += values[i];
    return Float64Array.from(values, (value) => (sum > 0 ? value / sum : 0));
  }

  /**
   * The coarser of two grids: the one with fewer patches.
   * @param {Grid} a
   * @param {Grid} b
   */
  function coarser(a, b) {
    return a.grid[0] * a.grid[1] <= b.grid[0] * b.grid[1] ? a : b;
  }

  /**
   * Two maps as distributions over one grid.
   * @param {ArrayLike<number>} a
   * @param {Grid} ofA
   * @param {ArrayLike<number>} b
   * @param {Grid} ofB
   */
  function common(a, ofA, b, ofB) {
    const grid = coarser(ofA, ofB);
    return {
      grid,
      a: normalize(resample(a, ofA, grid)),
      b: normalize(resample(b, ofB, grid)),
    };
  }

  /**
   * Jensen-Shannon divergence, base 2: 0 for the same, 1 for maps without a common patch.
   * @param {ArrayLike<number>} a a distribution
   * @param {ArrayLike<number>} b a distribution
   */
  function divergence(a, b) {
    let sum = 0;
    for (let i = 0; i < a.length; i += 1) {
      const middle = (a[i] + b[i]) / 2;
      if (a[i] > 0) sum += (a[i] * Math.log2(a[i] / middle)) / 2;
      if (b[i] > 0) sum += (b[i] * Math.log2(b[i] / middle)) / 2;
    }
    return Math.min(1, Math.max(0, sum));
  }

  return { resample, common, divergence };
})();
