"use strict";

// Positions of a wall's cells, in CSS pixels. Pure.

const WallGeometry = (() => {
  const LARGEST = 56;
  /** Walls stand beside each other as long as their cells are this wide, in pixels. */
  const READABLE = 22;
  const GAP = 1;
  /** Mean, maximum and minimum over heads stand first; space between them and the heads. */
  const NAMES = /** @type {const} */ (["mean", "max", "min"]);
  const FUSED = NAMES.length;
  const FUSED_GAP = 7;
  /** Share of the window's height that a wall may take. */
  const TALLEST = 0.85;
  /** Width of the layers' labels and the gap beside them, and the gap between walls, as in walls.css. */
  const LABELS = 28;
  const BETWEEN = 24;

  /**
   * How many walls stand beside each other, and the height of a cell: the same in all walls, so that
   * rows of the same layer are on one line.
   * @param {PageModel[]} models
   * @param {number} room width of all walls
   * @param {{width: number, height: number, ratio: number}} screen window and device pixel ratio
   */
  function arrange(models, room, screen) {
    const columns = Math.max(...models.map((model) => model.heads)) + FUSED;
    const lines = Math.max(...models.map((model) => model.rows.length));
    const shape = Math.max(...models.map(shapeOf));
    const free = (/** @type {number} */ across) =>
      ((room - (across - 1) * BETWEEN) / across - LABELS - FUSED_GAP - (columns - 2) * GAP) / columns;
    let across = models.length;
    while (across > 1 && free(across) < READABLE) across -= 1;
    const widest = Math.min(LARGEST, Math.max(4, free(across)));
    const low = Math.max(READABLE, (TALLEST * screen.height) / lines - GAP);
    return { across, height: Math.min(low, widest / shape) };
  }

  /** @param {PageModel} model */
  function shapeOf(model) {
    const [left, top, right, bottom] = model.view;
    return (right - left) / (bottom - top);
  }

  /**
   * The size of a wall, in whole device pixels, so that cells are equal and sharp.
   * @param {PageModel} model
   * @param {PageModel[]} models all that have a wall
   * @param {number} tall height of a cell
   * @param {boolean} byDepth whether layers are matched by relative depth
   * @param {number} ratio of device pixels
   * @returns {WallSize}
   */
  function measure(model, models, tall, byDepth, ratio) {
    const deepest = Math.max(...models.map((each) => each.layers));
    const lines = model.rows.map((label, row) => {
      if (label === "pool") return byDepth ? deepest : row;
      return byDepth ? Math.max(1, Math.round((Number(label) / model.layers) * deepest)) - 1 : row;
    });
    const width = whole(tall * shapeOf(model), ratio, Math.floor);
    const height = whole(tall, ratio, Math.floor);
    return { lines, columns: model.heads + FUSED, ratio, width, height };
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
    return size.lines[row] * (size.height + GAP);
  }

  /** @param {WallSize} size */
  function extent(size) {
    return {
      width: left(size, size.columns - 1) + size.width,
      height: top(size, size.lines.length - 1) + size.height,
    };
  }

  /**
   * The cell at a point, or null outside of the wall.
   * @param {WallSize} size
   * @param {number} x
   * @param {number} y
   */
  function cellAt(size, x, y) {
    const row = size.lines.indexOf(Math.floor(y / (size.height + GAP)));
    const fused = x < left(size, FUSED) - FUSED_GAP / 2;
    const from = fused ? x : x - FUSED_GAP + GAP;
    const column = Math.max(fused ? 0 : FUSED, Math.floor(from / (size.width + GAP)));
    const inside = x >= 0 && row >= 0 && column < size.columns;
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

  return { FUSED, arrange, measure, shapeOf, left, top, extent, cellAt, columnOf, headOf };
})();
