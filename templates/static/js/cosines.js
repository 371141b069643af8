"use strict";

// The cosine of one patch's features with those of all others. Pure.

const Cosines = (() => {
  const ZERO = 128;
  /** @type {WeakMap<AlikeFeatures, {patch: number, values: Float32Array}>} */
  const last = new WeakMap();

  /**
   * @param {AlikeFeatures} features
   * @param {number} patch
   * @returns {Float32Array} -1 to 1, for each patch
   */
  function of(features, patch) {
    const known = last.get(features);
    if (known?.patch === patch) return known.values;
    const { codes, scales, patches } = features;
    const sums = new Float32Array(patches);
    scales.forEach((scale, direction) => {
      const line = direction * patches;
      const own = (codes[line + patch] - ZERO) * scale * scale;
      for (let i = 0; i < patches; i += 1) sums[i] += own * (codes[line + i] - ZERO);
    });
    const values = sums.map((value) => Math.min(1, Math.max(-1, value)));
    last.set(features, { patch, values });
    return values;
  }

  /**
   * The most similar patch, other than itself.
   * @param {Float32Array} values
   * @param {number} own
   */
  function nearest(values, own) {
    let best = own === 0 ? 1 : 0;
    values.forEach((value, i) => {
      if (i !== own && value > values[best]) best = i;
    });
    return best;
  }

  return { of, nearest };
})();
