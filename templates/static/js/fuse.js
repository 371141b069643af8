"use strict";

// The maximum over heads: one more column after the mean. It is no distribution, so it has no mass.

const Fuse = (() => {
  /** @type {WeakMap<Chunk, Chunk>} */
  const known = new WeakMap();

  /**
   * A chunk with one more column.
   * @param {Chunk} chunk
   * @returns {Chunk}
   */
  function withMax(chunk) {
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
    const height = header.rows.length * rows;
    const width = chunk.width + cols;
    const codes = new Uint8Array(width * height);
    for (let y = 0; y < height; y += 1) {
      codes.set(chunk.codes.subarray(y * chunk.width, (y + 1) * chunk.width), y * width);
    }
    const maxima = header.maxima.map((row, layer) => {
      const heads = row.slice(0, header.heads);
      const there = heads.filter((maximum) => maximum !== null);
      if (!there.length) return [...row, null];
      const most = Math.max(...there);
      for (let y = layer * rows; y < (layer + 1) * rows; y += 1) {
        for (let x = 0; x < cols; x += 1) {
          codes[y * width + chunk.width + x] = strongest(chunk, heads, y, x, cols, most);
        }
      }
      return [...row, most];
    });
    const mass = header.mass.map((row) => [...row, []]);
    return { ...chunk, header: { ...header, maxima, mass }, codes, width };
  }

  /**
   * The code of the largest value among heads, for a map whose maximum is `most`.
   * @param {Chunk} chunk
   * @param {(number | null)[]} heads maxima
   * @param {number} y
   * @param {number} x
   * @param {number} cols
   * @param {number} most
   */
  function strongest(chunk, heads, y, x, cols, most) {
    let largest = 0;
    for (let head = 0; head < heads.length; head += 1) {
      const value = Scale.value(chunk.codes[y * chunk.width + head * cols + x], heads[head] ?? 0);
      if (value > largest) largest = value;
    }
    return most > 0 ? Math.round(255 * Math.sqrt(largest / most)) : 0;
  }

  return { withMax };
})();
