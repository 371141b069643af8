"use strict";

// How numbers are written. generator/text/numbers.py has the rules; a test holds both together.

const Numbers = (() => {
  const MISSING = "\u2013";
  const MINUS = "\u2212";
  /** Significant digits of a measured number. */
  const MEASURED = 3;
  /** A share from here on is printed as 100 %, one below LEAST as a bound. */
  const ALL = 1 - 1e-6;
  const LEAST = 1e-5;

  /**
   * A measured number: 0.876, 12.3, 1,235, 1.23e−4.
   * @param {number | null} value
   * @param {number} digits significant ones; fewer for what is stored in one byte
   */
  function number(value, digits = MEASURED) {
    if (value == null || Number.isNaN(value)) return MISSING;
    if (value === 0) return "0";
    const size = Math.abs(value);
    const sign = value < 0 ? MINUS : "";
    if (size === Infinity) return `${sign}∞`;
    const power = Number(size.toExponential(20).split("e")[1]);
    if (power >= -4 && power < 6) {
      const text = size.toFixed(Math.max(digits - 1 - power, 0));
      if (Number(text) >= 0.001 && Number(text) < 1e6) return sign + grouped(short(text));
    }
    const [mantissa, exponent] = size.toExponential(digits - 1).split("e");
    return `${sign}${short(mantissa)}e${exponent.replace("+", "").replace("-", MINUS)}`;
  }

  /** @param {string} text without zeros at its end */
  function short(text) {
    return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
  }

  /** @param {string} text with commas between thousands */
  function grouped(text) {
    return text.replace(/\B(?=(\d{3})+$)/g, text.includes(".") ? "" : ",");
  }

  /**
   * A whole number: 25,600.
   * @param {number} value
   */
  function count(value) {
    return grouped(String(value));
  }

  /**
   * A measured difference, with its sign.
   * @param {number | null} value
   */
  function signed(value) {
    return `${value != null && value > 0 ? "+" : ""}${number(value)}`;
  }

  /**
   * A share of 1 in percent; 0 and 100 are printed for exactly 0 and 1 only.
   * @param {number | null} share
   */
  function percent(share) {
    if (share == null || Number.isNaN(share)) return MISSING;
    let text = number(100 * share);
    if (share > 0 && share < LEAST) text = "<0.001";
    if (text === "100" && share < ALL) text = ">99.9";
    return `${text}\u00a0%`;
  }

  /**
   * Numbers of one quantity below each other, with as many decimals each.
   * @param {(number | null)[]} values
   * @param {boolean} shares whether they are shares of 1, printed in percent
   * @param {number} digits significant ones of the largest
   */
  function column(values, shares = false, digits = MEASURED) {
    const texts = values.map((value) => (shares ? percent(value) : number(value, digits)));
    const sizes = values.map((value, n) =>
      !value || !Number.isFinite(value) || /^[<>]/.test(texts[n]) ? null : Math.abs(shares ? 100 * value : value),
    );
    const found = sizes.filter((size) => size !== null && !(shares && size >= 100)).map(Number);
    const own = texts.filter((_, n) => sizes[n] !== null);
    const places = placesOf(found, own, digits);
    if (places === null) return texts;
    return texts.map((text, n) => {
      const size = sizes[n];
      if (size === null) return text;
      return `${text.startsWith(MINUS) ? MINUS : ""}${grouped(size.toFixed(places))}${shares ? "\u00a0%" : ""}`;
    });
  }

  /**
   * Decimals of a column; null where no number of decimals suits all.
   * @param {number[]} sizes
   * @param {string[]} texts the numbers by themselves
   * @param {number} digits
   */
  function placesOf(sizes, texts, digits) {
    if (!sizes.length || texts.some((text) => text.includes("e"))) return null;
    const most = Math.max(...texts.map((text) => (text.split("\u00a0")[0].split(".")[1] ?? "").length));
    const power = Number(Math.max(...sizes).toExponential(20).split("e")[1]);
    const least = Math.max(digits - 1 - power, 0);
    return most <= least + (Math.max(...sizes) < 1000 ? 1 : 0) ? most : null;
  }

  /**
   * An upper bound, rounded up to one significant digit.
   * @param {number} bound
   */
  function rough(bound) {
    if (!(bound > 0)) return "0";
    const unit = 10 ** Math.floor(Math.log10(bound));
    return number(Math.ceil(bound / unit) * unit, 1);
  }

  return { number, signed, count, percent, column, rough };
})();
