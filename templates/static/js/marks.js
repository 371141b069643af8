"use strict";

// Marks on top of a map: patches clipped by the scale, patches with most of the mass, and outliers.

const Marks = (() => {
  /** Clipped patches are marked from this size on, in device pixels. */
  const MARKABLE = 7;

  /**
   * A small corner in patches above the scale. Those below have the color of the low end, which says
   * enough: there may be many.
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
    const leg = size * 0.34;
    context.fillStyle = "#000";
    codes.forEach((code, i) => {
      if (Scale.position(Scale.value(code, maximum), range) <= 1) return;
      const [right, top] = [((i % cols) + 1) * width, Math.floor(i / cols) * height];
      context.beginPath();
      context.moveTo(right - leg, top);
      context.lineTo(right, top);
      context.lineTo(right, top + leg);
      context.fill();
    });
  }

  /**
   * How many patches of a map a scale clips.
   * @param {Uint8Array} codes
   * @param {number} maximum
   * @param {ScaleRange} range
   * @returns {OffScale}
   */
  function off(codes, maximum, range) {
    const ends = Array.from({ length: 256 }, (_, code) => {
      const place = Scale.position(Scale.value(code, maximum), range);
      return place > 1 ? 1 : place < 0 ? -1 : 0;
    });
    const found = { above: 0, below: 0, of: codes.length };
    for (const code of codes) {
      if (ends[code] > 0) found.above += 1;
      if (ends[code] < 0) found.below += 1;
    }
    return found;
  }

  /**
   * Uncover the picture where patches are not kept, and draw a line around those that are.
   * @param {CanvasRenderingContext2D} context
   * @param {Uint8Array} kept
   * @param {number} cols
   */
  function kept(context, kept, cols) {
    const { x, y } = edges(context, kept.length / cols, cols);
    kept.forEach((keep, i) => {
      const [col, row] = [i % cols, Math.floor(i / cols)];
      if (!keep) context.clearRect(x(col), y(row), x(col + 1) - x(col), y(row + 1) - y(row));
    });
    outline(context, kept, cols, 0);
  }

  /**
   * Where the edges of rows and columns lie, in device pixels.
   * @param {CanvasRenderingContext2D} context
   * @param {number} rows
   * @param {number} cols
   */
  function edges({ canvas }, rows, cols) {
    return {
      x: (/** @type {number} */ col) => Math.round((col * canvas.width) / cols),
      y: (/** @type {number} */ row) => Math.round((row * canvas.height) / rows),
    };
  }

  /**
   * A line around some of the patches, white on black.
   * @param {CanvasRenderingContext2D} context
   * @param {Uint8Array} among
   * @param {number} cols
   * @param {number} dashes to each side of a patch; 0 for an unbroken line
   */
  function outline(context, among, cols, dashes) {
    const rows = among.length / cols;
    const { x, y } = edges(context, rows, cols);
    const path = new Path2D();
    for (const [x1, y1, x2, y2] of Threshold.contour(among, cols)) {
      path.moveTo(x(x1), y(y1));
      path.lineTo(x(x2), y(y2));
    }
    const side = Math.min(context.canvas.width / cols, context.canvas.height / rows);
    const line = Math.max(1.5, side / 9);
    context.lineCap = dashes ? "butt" : "square";
    for (const [style, thickness] of /** @type {[string, number][]} */ ([["#000", 2 * line], ["#fff", line]])) {
      context.strokeStyle = style;
      context.lineWidth = thickness;
      context.setLineDash(dashes && style === "#fff" ? [side / (2 * dashes)] : []);
      context.stroke(path);
    }
  }

  return { clipped, off, kept, outline };
})();
