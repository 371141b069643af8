"use strict";

// What is drawn on top of a map: which patches a scale clips, and which hold most of the mass.

const Marks = (() => {
  /** Clipped patches are marked from this size on, in device pixels. */
  const MARKABLE = 7;

  /**
   * A small corner in patches above the scale, a dot in those below: their colour is the end's.
   * @param {CanvasRenderingContext2D} context
   * @param {Uint8Array} codes
   * @param {number} cols
   * @param {number} maximum
   * @param {ScaleRange} range
   */
  function clipped(context, codes, cols, maximum, range) {
    const width = context.canvas.width / cols;
    const height = context.canvas.height / (codes.length / cols);
    const size = Math.min(width, height);
    if (size < MARKABLE) return;
    codes.forEach((code, i) => {
      const place = Scale.position(Scale.value(code, maximum), range);
      if (place >= 0 && place <= 1) return;
      const [col, row] = [i % cols, Math.floor(i / cols)];
      if (place > 1) {
        const [right, top] = [(col + 1) * width, row * height];
        const leg = size * 0.34;
        context.fillStyle = "#000";
        context.beginPath();
        context.moveTo(right - leg, top);
        context.lineTo(right, top);
        context.lineTo(right, top + leg);
        context.fill();
      } else {
        const dot = Math.max(1, size * 0.08);
        context.fillStyle = "rgb(255 255 255 / 32%)";
        context.beginPath();
        context.arc((col + 0.5) * width, (row + 0.5) * height, dot, 0, 2 * Math.PI);
        context.fill();
      }
    });
  }

  /**
   * Which patches hold the wanted share of a map's mass.
   * @param {Uint8Array} codes
   * @param {number} percent
   */
  function mask(codes, percent) {
    // a value is its code squared, times something that is the same for all
    return Threshold.mask(Float64Array.from(codes, (code) => code * code), percent / 100);
  }

  /**
   * Uncover the picture where patches are not kept, and draw a line around those that are.
   * @param {CanvasRenderingContext2D} context
   * @param {Uint8Array} kept
   * @param {number} cols
   */
  function kept(context, kept, cols) {
    const { width, height } = context.canvas;
    const rows = kept.length / cols;
    const x = (/** @type {number} */ col) => Math.round((col * width) / cols);
    const y = (/** @type {number} */ row) => Math.round((row * height) / rows);
    kept.forEach((keep, i) => {
      const [col, row] = [i % cols, Math.floor(i / cols)];
      if (!keep) context.clearRect(x(col), y(row), x(col + 1) - x(col), y(row + 1) - y(row));
    });
    const path = new Path2D();
    for (const [x1, y1, x2, y2] of Threshold.contour(kept, cols)) {
      path.moveTo(x(x1), y(y1));
      path.lineTo(x(x2), y(y2));
    }
    const line = Math.max(1.5, Math.min(width / cols, height / rows) / 9);
    context.lineCap = "square";
    for (const [style, thickness] of /** @type {[string, number][]} */ ([["#000", 2 * line], ["#fff", line]])) {
      context.strokeStyle = style;
      context.lineWidth = thickness;
      context.stroke(path);
    }
  }

  return { clipped, mask, kept };
})();
