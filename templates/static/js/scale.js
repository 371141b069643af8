"use strict";

// Times uniform, log2. The same functions as generator/present/scale.py and quantise.py.

const Scale = (() => {
  const STEPS = 255;
  /** Octaves that a map's own scale spans at most. */
  const OWN_SPAN = 10;
  const TAIL = 0.005;

  /**
   * The value that a code stands for, in times uniform.
   * @param {number} code
   * @param {number} maximum of the map
   */
  function value(code, maximum) {
    const root = code / STEPS;
    return maximum * root * root;
  }

  /**
   * Where a value lies: 0 at the low end, 1 at the high end, outside when clipped.
   * @param {number} times
   * @param {ScaleRange} range
   */
  function position(times, range) {
    return (Math.log2(times) - range.low) / (range.high - range.low);
  }

  /**
   * Index of a colour, 0 to 255.
   * @param {number} place from `position`
   */
  function colourIndex(place) {
    return place > 0 ? Math.min(255, Math.floor(place * 256)) : 0;
  }

  /**
   * For each code of a map, the index of its colour.
   * @param {number} maximum
   * @param {ScaleRange} range
   */
  function colourIndices(maximum, range) {
    const indices = new Uint8Array(256);
    for (let code = 0; code < 256; code += 1) {
      indices[code] = colourIndex(position(value(code, maximum), range));
    }
    return indices;
  }

  /**
   * A map's own range, by the rule of the shared one: its 0.5 and 99.5 percentiles.
   * @param {Uint8Array} codes of the map
   * @param {number} maximum
   * @returns {ScaleRange}
   */
  function ownRange(codes, maximum) {
    if (!(maximum > 0)) return { low: -1, high: 1 };
    const sorted = Uint8Array.from(codes).sort();
    const last = sorted.length - 1;
    const ends = [TAIL, 1 - TAIL].map((share) => sorted[Math.round(share * last)]);
    const high = Math.log2(value(Math.max(ends[1], 1), maximum));
    const low = Math.log2(value(Math.max(ends[0], 1), maximum));
    // a flat map still needs a range to lie in
    return { low: Math.min(Math.max(low, high - OWN_SPAN), high - 0.5), high };
  }

  return { value, position, colourIndex, colourIndices, ownRange };
})();
