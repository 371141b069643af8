"use strict";

// Patches as queries. One file holds the maps of all patch queries; the maps of one patch are cut out
// as a chunk like any other.

const PatchQueries = (() => {
  const MASS_STEPS = 65535;

  /**
   * @param {Pick<PatchChunk, "header" | "codes" | "norms">} loaded
   * @returns {PatchChunk}
   */
  function open({ header, codes, norms }) {
    // copied, because they must start at an even offset
    const maxima = Decode.base64(header.maxima).slice();
    const mass = Decode.base64(header.mass).slice();
    return {
      header,
      codes,
      norms,
      maxima: new Float32Array(maxima.buffer),
      mass: new Uint16Array(mass.buffer),
    };
  }

  /**
   * The maps of one patch, laid out as a chunk: heads across, layers down.
   * @param {PatchChunk} all
   * @param {number} heads of the model
   * @param {Patch} patch
   * @returns {Chunk}
   */
  function cut(all, heads, patch) {
    const { header } = all;
    const [rows, cols] = header.grid;
    const width = (heads + 1) * cols;
    const codes = new Uint8Array(header.rows.length * rows * width);
    /** @type {(number | null)[][]} */
    const maxima = [];
    /** @type {(number | null)[][][]} */
    const mass = [];
    header.rows.forEach((_, row) => {
      maxima.push(Array(heads + 1).fill(null));
      mass.push(Array.from({ length: heads + 1 }, () => Array(header.groups.length).fill(null)));
      for (let kept = 0; kept <= header.heads; kept += 1) {
        const column = kept === header.heads ? heads : kept;
        const line = lineOf(header, row, kept, patch);
        maxima[row][column] = all.maxima[line];
        mass[row][column] = header.groups.map(
          (_, group) => all.mass[line * header.groups.length + group] / MASS_STEPS,
        );
        for (let r = 0; r < rows; r += 1) {
          const from = line * rows * cols + r * cols;
          codes.set(all.codes.subarray(from, from + cols), (row * rows + r) * width + column * cols);
        }
      }
    });
    const keys = header.rows.map(() => header.keys);
    return {
      header: { ...header, token: Chunks.PATCH, heads, keys, maxima, mass },
      codes,
      width,
      norms: all.norms,
      self: patch,
    };
  }

  /**
   * @param {PatchHeader} header
   * @param {number} row
   * @param {number} column
   * @param {Patch} patch
   */
  function lineOf(header, row, column, patch) {
    const [rows, cols] = header.grid;
    return (row * (header.heads + 1) + column) * rows * cols + patch.row * cols + patch.col;
  }

  /** Caches the last chunk of a model, so that the same patch gives the same chunk. */
  function remembered() {
    /** @type {{all: PatchChunk, row: number, col: number, chunk: Chunk} | null} */
    let last = null;
    return (/** @type {PatchChunk} */ all, /** @type {number} */ heads, /** @type {Patch} */ at) => {
      if (!last || last.all !== all || last.row !== at.row || last.col !== at.col) {
        last = { all, row: at.row, col: at.col, chunk: cut(all, heads, at) };
      }
      return last.chunk;
    };
  }

  return { open, remembered };
})();
