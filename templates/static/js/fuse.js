"use strict";

// The maximum and the minimum over heads: two more columns after the mean. Neither is a distribution. A
// maximum has no shares; those of a minimum are lower bounds for all heads, and sum to less than one.

const Fuse = (() => {
  /** @type {WeakMap<Chunk, Chunk>} */
  const known = new WeakMap();

  /**
   * A chunk with two more columns.
   * @param {Chunk} chunk
   * @returns {Chunk}
   */
  function withExtremes(chunk) {
    let found = known.get(chunk);
    if (!found) {
      found = build(chunk);
      known.set(chunk, found);
    }
    return found;
  }

  /**
   * @param {Chunk} chunk
   * @returns {Chunk}
   */
  function build(chunk) {
    const { header } = chunk;
    const [rows, cols] = header.grid;
    const width = chunk.width + 2 * cols;
    const codes = new Uint8Array(width * header.rows.length * rows);
    for (let y = 0; y < header.rows.length * rows; y += 1) {
      codes.set(chunk.codes.subarray(y * chunk.width, (y + 1) * chunk.width), y * width);
    }
    /** @type {(number | null)[][]} */
    const maxima = [];
    /** @type {(number | null)[][][]} */
    const mass = [];
    header.maxima.forEach((row, layer) => {
      const there = row.slice(0, header.heads).flatMap((maximum, head) => (maximum === null ? [] : [head]));
      if (!there.length) {
        maxima.push([...row, null, null]);
        mass.push([...header.mass[layer], [], []]);
        return;
      }
      const { most, least } = extremes(chunk, there, layer);
      put(codes, width, layer * rows, chunk.width, cols, most);
      put(codes, width, layer * rows, chunk.width + cols, cols, least);
      maxima.push([...row, largest(most), largest(least)]);
      const prefix = header.groups
        .slice(0, -1)
        .map((_, group) => Math.min(...there.map((head) => header.mass[layer][head][group] ?? 0)));
      const sum = least.reduce((total, value) => total + value, 0);
      const patches = (sum * patchesIn(header)) / header.keys[layer];
      mass.push([...header.mass[layer], [], [...prefix, patches]]);
    });
    return { ...chunk, header: { ...header, maxima, mass }, codes, width };
  }

  /**
   * The largest and the smallest value of each patch among heads, in times uniform.
   * @param {Chunk} chunk
   * @param {number[]} heads of the layer
   * @param {number} layer
   */
  function extremes(chunk, heads, layer) {
    const [rows, cols] = chunk.header.grid;
    const most = new Float64Array(rows * cols);
    const least = new Float64Array(rows * cols).fill(Infinity);
    for (const head of heads) {
      const values = Scale.values(chunk.header.maxima[layer][head] ?? 0);
      for (let patch = 0, row = layer * rows; row < (layer + 1) * rows; row += 1) {
        const from = row * chunk.width + head * cols;
        for (let at = from; at < from + cols; at += 1, patch += 1) {
          const value = values[chunk.codes[at]];
          if (value > most[patch]) most[patch] = value;
          if (value < least[patch]) least[patch] = value;
        }
      }
    }
    return { most, least };
  }

  /**
   * Largest error of a maximum or minimum over heads: it is computed from decoded heads and encoded
   * again.
   * @param {Header} header
   * @param {number} row
   * @param {number} column
   * @param {number} times the value, in times uniform
   */
  function error(header, row, column, times) {
    const heads = header.maxima[row].slice(0, header.heads).map((maximum) => maximum ?? 0);
    return Scale.error(times, Math.max(...heads)) + Scale.error(times, header.maxima[row][column] ?? 0);
  }

  /**
   * Number of patches averaged in one value.
   * @param {Header} header
   */
  function patchesIn({ grid: [rows, cols], facts }) {
    return facts ? (facts.layout.rows * facts.layout.cols) / (rows * cols) : 1;
  }

  /** @param {Float64Array} values */
  function largest(values) {
    let most = 0;
    for (const value of values) if (value > most) most = value;
    return most;
  }

  /**
   * Write one map as codes.
   * @param {Uint8Array} codes of all maps
   * @param {number} width of all maps
   * @param {number} top
   * @param {number} left
   * @param {number} cols
   * @param {Float64Array} values
   */
  function put(codes, width, top, left, cols, values) {
    const most = largest(values);
    for (let patch = 0, row = top; patch < values.length; row += 1) {
      const from = row * width + left;
      for (let at = from; at < from + cols; at += 1, patch += 1) {
        codes[at] = most > 0 ? Math.round(255 * Math.sqrt(values[patch] / most)) : 0;
      }
    }
  }

  return { error, withExtremes };
})();
