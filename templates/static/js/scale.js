"use strict";

// From times uniform to positions on a scale. log2: same functions as generator/present/drawing/scale.py
// and quantize.py. Pure.

const Scale = (() => {
  const STEPS = 255;
  /** Largest span in octaves of a scale found from maps. */
  const OWN_SPAN = 10;
  /** Bins of a histogram: bins per octave, and the octave of the first. */
  const PARTS = 64;
  const FIRST = -16;
  const BINS = 32 * PARTS;

  /** @type {Record<FormName, (times: number) => number>} */
  const FORMS = { log2: Math.log2, sqrt: Math.sqrt, linear: (times) => times };

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
   * The value of each code.
   * @param {number} maximum of the map
   */
  function values(maximum) {
    return Float64Array.from({ length: 256 }, (_, code) => value(code, maximum));
  }

  /**
   * Largest error of a decoded value, in times uniform.
   * @param {number} times
   * @param {number} maximum of the map
   */
  function error(times, maximum) {
    return Math.sqrt(times * maximum) / STEPS + maximum / (2 * STEPS) ** 2;
  }

  /**
   * Position of a value: 0 at the low end, 1 at the high end, outside if clipped.
   * @param {number} times
   * @param {ScaleRange} range
   */
  function position(times, range) {
    const form = FORMS[range.form];
    const low = form(range.low);
    return (form(times) - low) / (form(range.high) - low);
  }

  /**
   * Index of a color, 0 to 255.
   * @param {number} place from `position`
   */
  function colorIndex(place) {
    return place > 0 ? Math.min(255, Math.floor(place * 256)) : 0;
  }

  /**
   * For each code of a map, the index of its color.
   * @param {number} maximum
   * @param {ScaleRange} range
   */
  function colorIndices(maximum, range) {
    const form = FORMS[range.form];
    const low = form(range.low);
    const span = form(range.high) - low;
    const indices = new Uint8Array(256);
    for (let code = 0; code < 256; code += 1) {
      indices[code] = colorIndex((form(value(code, maximum)) - low) / span);
    }
    return indices;
  }

  /** An empty histogram. */
  function histogram() {
    return new Float64Array(BINS);
  }

  /**
   * Count the codes of a map.
   * @param {Float64Array} bins
   * @param {Uint8Array} codes
   * @param {number} maximum
   */
  function count(bins, codes, maximum) {
    const counts = new Uint32Array(256);
    for (const code of codes) counts[code] += 1;
    counts.forEach((number, code) => {
      if (number) bins[bin(value(code, maximum))] += number;
    });
  }

  /** @param {number} times */
  function bin(times) {
    const place = Math.floor((Math.log2(times) - FIRST) * PARTS);
    return times > 0 ? Math.min(BINS - 1, Math.max(0, place)) : 0;
  }

  /**
   * The range of a histogram, clipped at both ends; rounded outwards to bins.
   * @param {Float64Array} bins
   * @param {number} clip percent cut at each end
   * @param {FormName} form linear and square root start at 0
   * @returns {ScaleRange}
   */
  function rangeOf(bins, clip, form) {
    const total = bins.reduce((sum, number) => sum + number, 0);
    if (!total) return { low: form === "log2" ? 0.5 : 0, high: 2, form };
    const low = edge(quantile(bins, total, clip / 100));
    const high = edge(quantile(bins, total, 1 - clip / 100) + 1);
    // a constant map needs a range, too
    const from = Math.min(Math.max(low, high / 2 ** OWN_SPAN), high / Math.SQRT2);
    return { low: form === "log2" ? from : 0, high, form };
  }

  /**
   * The bin that holds a quantile.
   * @param {Float64Array} bins
   * @param {number} total
   * @param {number} share
   */
  function quantile(bins, total, share) {
    const rank = Math.min(total, Math.max(1, Math.round(share * (total - 1)) + 1));
    let passed = 0;
    return bins.findIndex((number) => (passed += number) >= rank);
  }

  /** @param {number} index of a bin */
  function edge(index) {
    return 2 ** (index / PARTS + FIRST);
  }

  return { value, values, error, position, colorIndex, colorIndices, histogram, count, rangeOf };
})();
