"use strict";

// Positions of a wall's cells, in CSS pixels. Pure.

const WallGeometry = (() => {
  const LARGEST = 44;
  const SMALLEST = 15;
  const GAP = 1;
  /** Mean, maximum and minimum over heads stand first; space between them and the heads. */
  const NAMES = /** @type {const} */ (["mean", "max", "min"]);
  const FUSED = NAMES.length;
  const FUSED_GAP = 7;
  /** Below a stage, a wall is low enough for both to be visible. */
  const TALLEST = 440;
  const TALLEST_SHARE = 0.5;
  const PHONE = 640;

  /**
   * The size of a cell, in whole device pixels, so that cells are equal and sharp.
   * @param {PageModel} model
   * @param {number} room width to fill
   * @param {{width: number, height: number, ratio: number}} screen window and device pixel ratio
   * @returns {WallSize}
   */
  function measure(model, room, screen) {
    const { ratio } = screen;
    const rows = model.rows.length;
    const columns = model.heads + FUSED;
    const [left, top, right, bottom] = model.view;
    const shape = (right - left) / (bottom - top);
    const free = (Math.max(40, room) - FUSED_GAP - (columns - 2) * GAP) / columns;
    const tallest = Math.max(TALLEST, TALLEST_SHARE * screen.height);
    const low = screen.width < PHONE ? LARGEST : Math.max(SMALLEST, tallest / rows - GAP);
    const width = whole(Math.min(LARGEST, low * shape, free), ratio, Math.floor);
    return { rows, columns, ratio, width, height: whole(width / shape, ratio, Math.round) };
  }

  /**
   * @param {number} length
   * @param {number} ratio
   * @param {(length: number) => number} round
   */
  function whole(length, ratio, round) {
    return Math.max(1, round(length * ratio)) / ratio;
  }

  /**
   * @param {WallSize} size
   * @param {number} column of the wall: mean, maximum and minimum, then heads
   */
  function left(size, column) {
    return column * (size.width + GAP) + (column >= FUSED ? FUSED_GAP - GAP : 0);
  }

  /**
   * @param {WallSize} size
   * @param {number} row
   */
  function top(size, row) {
    return row * (size.height + GAP);
  }

  /** @param {WallSize} size */
  function extent(size) {
    return {
      width: left(size, size.columns - 1) + size.width,
      height: top(size, size.rows - 1) + size.height,
    };
  }

  /**
   * The cell at a point, or null outside of the wall.
   * @param {WallSize} size
   * @param {number} x
   * @param {number} y
   */
  function cellAt(size, x, y) {
    const row = Math.floor(y / (size.height + GAP));
    const fused = x < left(size, FUSED) - FUSED_GAP / 2;
    const from = fused ? x : x - FUSED_GAP + GAP;
    const column = Math.max(fused ? 0 : FUSED, Math.floor(from / (size.width + GAP)));
    const inside = x >= 0 && row >= 0 && row < size.rows && column < size.columns;
    return inside ? { row, column } : null;
  }

  /**
   * The column of a head; beyond the last for a head that a model lacks.
   * @param {HeadLabel} head
   */
  function columnOf(head) {
    const place = NAMES.findIndex((name) => name === head);
    return place < 0 ? Number(head) + FUSED - 1 : place;
  }

  /**
   * @param {number} column
   * @returns {HeadLabel}
   */
  function headOf(column) {
    return NAMES[column] ?? String(column - FUSED + 1);
  }

  return { FUSED, measure, left, top, extent, cellAt, columnOf, headOf };
})();
