"use strict";

// How numbers are written. The same rules as generator/present/pages/wording.py.

const Numbers = (() => {
  /**
   * Three significant digits, as generator/present/drawing/scale.py writes them.
   * @param {number} value
   */
  function times(value) {
    if (value > 0 && value < 0.001) return "<0.001";
    return value < 1000 ? String(Number(value.toPrecision(3))) : value.toFixed(0);
  }

  /**
   * A share of 1 in percent; neither 0 nor 100 for what is not, but for a float32 sum's last digits.
   * @param {number} share
   */
  function percent(share) {
    const value = 100 * share;
    if (value > 0 && value < 0.001) return "<0.001\u00a0%";
    if (value >= 99.95 && value < 99.9999) return ">99.9\u00a0%";
    if (value >= 99.5 && value < 99.95) return `${value.toFixed(1)}\u00a0%`;
    return `${value < 9.95 ? Number(value.toPrecision(2)) : value.toFixed(0)}\u00a0%`;
  }

  /**
   * An upper bound, rounded up to one significant digit.
   * @param {number} bound
   */
  function rough(bound) {
    if (!(bound > 0)) return "0";
    const unit = 10 ** Math.floor(Math.log10(bound));
    return String(Number((Math.ceil(bound / unit) * unit).toPrecision(1)));
  }

  return { times, percent, rough };
})();
