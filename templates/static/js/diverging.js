"use strict";

// Colors for signed values, centered on zero. Stops of ColorBrewer's RdBu, which readers without
// red-green vision can distinguish.

const Diverging = (() => {
  const STOPS = [
    [5, 48, 97], [33, 102, 172], [67, 147, 195], [146, 197, 222], [209, 229, 240], [247, 247, 247],
    [253, 219, 199], [244, 165, 130], [214, 96, 77], [178, 24, 43], [103, 0, 31],
  ];

  /**
   * @param {number} place -1 to 1, 0 the neutral middle
   * @returns {number[]} red, green, blue
   */
  function color(place) {
    const at = ((Math.min(1, Math.max(-1, place)) + 1) / 2) * (STOPS.length - 1);
    const first = Math.min(STOPS.length - 2, Math.floor(at));
    return STOPS[first].map((value, i) =>
      Math.round(value + (STOPS[first + 1][i] - value) * (at - first)),
    );
  }

  /**
   * @param {ArrayLike<number>} values
   * @param {number} cols
   * @param {number} most the value at the ends of the scale
   */
  function image(values, cols, most) {
    const image = new ImageData(cols, values.length / cols);
    for (let i = 0; i < values.length; i += 1) {
      image.data.set([...color(values[i] / most), 255], 4 * i);
    }
    return image;
  }

  /** The bar: 256 colors from low to high. */
  function strip() {
    return image(Array.from({ length: 256 }, (_, i) => i / 127.5 - 1), 256, 1);
  }

  return { image, strip };
})();
