"use strict";

// Conversion between places in the original picture and patches of a model's grid.

const Places = (() => {
  /**
   * The patch that covers a place; null outside of the model's input.
   * @param {Grid} model
   * @param {Place} place
   * @returns {Patch | null}
   */
  function patchAt(model, place) {
    const [rows, cols] = model.grid;
    const [left, top, right, bottom] = model.view;
    const col = Math.floor(((place.x - left) / (right - left)) * cols);
    const row = Math.floor(((place.y - top) / (bottom - top)) * rows);
    return row >= 0 && col >= 0 && row < rows && col < cols ? { row, col } : null;
  }

  /**
   * The patch of a model that is the query, or null.
   * @param {PageData} page
   * @param {PageModel} model
   * @param {State} state
   */
  function queryPatch(page, model, state) {
    const origin = State.origin(page, state);
    return origin && patchAt(model, origin);
  }

  /**
   * Left, top, width and height of a patch, in original pixels.
   * @param {Grid} model
   * @param {Patch} patch
   */
  function box(model, patch) {
    const [rows, cols] = model.grid;
    const [left, top, right, bottom] = model.view;
    const width = (right - left) / cols;
    const height = (bottom - top) / rows;
    return { left: left + patch.col * width, top: top + patch.row * height, width, height };
  }

  /**
   * The place in the middle of a patch.
   * @param {PageModel} model
   * @param {Patch} patch
   * @returns {Place}
   */
  function center(model, patch) {
    const { left, top, width, height } = box(model, patch);
    return { x: left + width / 2, y: top + height / 2 };
  }

  /**
   * A place moved by a number of patches, within the grid; without a place, the middle.
   * @param {PageModel} model
   * @param {Place | null} place
   * @param {[number, number]} by rows and columns
   * @returns {Place}
   */
  function moved(model, place, [down, across]) {
    const [rows, cols] = model.grid;
    const at = place && patchAt(model, place);
    const row = at ? Math.min(rows - 1, Math.max(0, at.row + down)) : Math.floor(rows / 2);
    const col = at ? Math.min(cols - 1, Math.max(0, at.col + across)) : Math.floor(cols / 2);
    return rounded(center(model, { row, col }));
  }

  /**
   * A place rounded as in the address.
   * @param {Place} place
   */
  function rounded(place) {
    return { x: Math.round(place.x * 10) / 10, y: Math.round(place.y * 10) / 10 };
  }

  /**
   * A map's value at a patch, in times uniform.
   * @param {Chunk} chunk
   * @param {number} row of the wall
   * @param {number} column of the wall
   * @param {Patch} patch
   */
  function value(chunk, row, column, patch) {
    const [rows, cols] = chunk.header.grid;
    const at = (row * rows + patch.row) * chunk.width + column * cols + patch.col;
    return Scale.value(chunk.codes[at], chunk.header.maxima[row][column] ?? 0);
  }

  /**
   * The least value that a map can tell from 0, in times uniform.
   * @param {Chunk} chunk
   * @param {number} row
   * @param {number} column
   */
  function least(chunk, row, column) {
    return Scale.value(0.5, chunk.header.maxima[row][column] ?? 0);
  }

  /**
   * The ranks that a patch shares with those of the same code, the highest value first.
   * @param {Chunk} chunk
   * @param {number} row
   * @param {number} column
   * @param {Patch} patch
   * @returns {[number, number]} first and last
   */
  function ranks(chunk, row, column, patch) {
    const codes = Paint.mapCodes(chunk, row, column);
    const own = codes[patch.row * chunk.header.grid[1] + patch.col];
    let [above, same] = [0, 0];
    for (const code of codes) {
      if (code > own) above += 1;
      if (code === own) same += 1;
    }
    return [above + 1, above + same];
  }

  /**
   * The patch with the highest value, the first of several; never the query itself.
   * @param {Chunk} chunk
   * @param {number} row
   * @param {number} column
   * @returns {Patch}
   */
  function strongest(chunk, row, column) {
    const codes = Paint.mapCodes(chunk, row, column);
    const cols = chunk.header.grid[1];
    const own = chunk.self ? chunk.self.row * cols + chunk.self.col : -1;
    let best = own === 0 ? 1 : 0;
    codes.forEach((code, i) => {
      if (i !== own && code > codes[best]) best = i;
    });
    return { row: Math.floor(best / cols), col: best % cols };
  }

  /**
   * The part of the picture that large maps show: the smallest box around what the models saw.
   * @param {PageData} page
   * @returns {Box}
   */
  function crop(page) {
    const views = page.models.filter((model) => !model.failure).map((model) => model.view);
    if (!views.length) return whole(page);
    const [left, top] = [0, 1].map((side) => Math.max(0, Math.min(...views.map((view) => view[side]))));
    const right = Math.min(page.width, Math.max(...views.map((view) => view[2])));
    const bottom = Math.min(page.height, Math.max(...views.map((view) => view[3])));
    return { left, top, width: right - left, height: bottom - top };
  }

  /**
   * @param {PageData} page
   * @returns {Box}
   */
  function whole({ width, height }) {
    return { left: 0, top: 0, width, height };
  }

  /**
   * The grid of a model's patches, where maps are shown on a coarser one.
   * @param {PageModel} model
   * @returns {Grid}
   */
  function measured(model) {
    return { grid: model.measured, view: model.view };
  }

  return { measured, crop, whole, patchAt, queryPatch, box, moved, rounded, value, least, ranks, strongest };
})();
