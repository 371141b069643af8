"use strict";

// From codes to colored pixels.

const Paint = (() => {
  /** Color over patches outside of the chosen share of the mass: light in both color schemes. */
  const LEFT_OUT = [127, 127, 127, 60];
  /** @type {Map<string, Uint8Array>} */
  const tables = new Map();

  /**
   * 256 RGB triples.
   * @param {string} name
   */
  function table(name) {
    let found = tables.get(name);
    if (!found) {
      found = Decode.base64(COLOR_TABLES[name]);
      tables.set(name, found);
    }
    return found;
  }

  /**
   * The codes of one map, row by row.
   * @param {Chunk} chunk
   * @param {number} row
   * @param {number} column
   */
  function mapCodes(chunk, row, column) {
    const [rows, cols] = chunk.header.grid;
    const codes = new Uint8Array(rows * cols);
    for (let r = 0; r < rows; r += 1) {
      const from = (row * rows + r) * chunk.width + column * cols;
      codes.set(chunk.codes.subarray(from, from + cols), r * cols);
    }
    return codes;
  }

  /**
   * The codes of one map without the patch that is the query.
   * @param {Chunk} chunk
   * @param {number} row
   * @param {number} column
   */
  function others(chunk, row, column) {
    const codes = mapCodes(chunk, row, column);
    if (!chunk.self) return codes;
    const own = chunk.self.row * chunk.header.grid[1] + chunk.self.col;
    return codes.filter((_, i) => i !== own);
  }

  /**
   * All maps of a chunk in one picture: a column per head, a row per layer.
   * @param {Chunk} chunk
   * @param {(row: number, column: number) => ScaleRange} range
   * @param {Uint8Array} colors
   * @param {number} keep percent of the mass of each map that is shown
   */
  function atlas(chunk, range, colors, keep) {
    const { header, width, codes } = chunk;
    const [rows, cols] = header.grid;
    const image = new ImageData(width, header.rows.length * rows);
    // a pixel at a time, not a byte
    const pixels = new Uint32Array(image.data.buffer);
    const [leftOut] = new Uint32Array(Uint8Array.from(LEFT_OUT).buffer);
    const whole = pixelsOf(colors);
    const shown = new Uint32Array(256);
    header.maxima.forEach((maxima, row) => {
      maxima.forEach((maximum, column) => {
        if (maximum === null) return;
        Scale.colorIndices(maximum, range(row, column)).forEach((index, code) => (shown[code] = whole[index]));
        const kept = keep < 100 ? Threshold.mask(mapCodes(chunk, row, column), keep) : null;
        for (let r = 0; r < rows; r += 1) {
          const from = (row * rows + r) * width + column * cols;
          for (let at = from; at < from + cols; at += 1) {
            pixels[at] = !kept || kept[r * cols + at - from] ? shown[codes[at]] : leftOut;
          }
        }
      });
    });
    return image;
  }

  /**
   * Opaque pixels of colors.
   * @param {Uint8Array} colors RGB triples
   */
  function pixelsOf(colors) {
    const bytes = new Uint8Array((colors.length / 3) * 4);
    for (let index = 0; index < colors.length / 3; index += 1) put(bytes, 4 * index, colors, index);
    return new Uint32Array(bytes.buffer);
  }

  /**
   * An atlas as a canvas, painted again only for another chunk or scale.
   * @param {Uint8Array} colors
   */
  function remembered(colors) {
    /** @type {{chunk: Chunk, key: string, canvas: HTMLCanvasElement} | null} */
    let last = null;
    return (
      /** @type {Chunk} */ chunk,
      /** @type {string} */ key,
      /** @type {(row: number, column: number) => ScaleRange} */ range,
      /** @type {number} */ keep,
    ) => {
      if (!last || last.chunk !== chunk || last.key !== key) {
        last = { chunk, key, canvas: canvas(atlas(chunk, range, colors, keep)) };
      }
      return last.canvas;
    };
  }

  /**
   * One map, one pixel per patch.
   * @param {Uint8Array} codes
   * @param {number} cols
   * @param {number} maximum
   * @param {ScaleRange} on
   * @param {Uint8Array} colors
   */
  function patches(codes, cols, maximum, on, colors) {
    const indices = Scale.colorIndices(maximum, on);
    const image = new ImageData(cols, codes.length / cols);
    codes.forEach((code, i) => put(image.data, 4 * i, colors, indices[code]));
    return image;
  }

  /**
   * One map, interpolated between the centers of its patches, on the scale's positions: colors
   * between two patches are colors of values between theirs.
   * @param {Uint8Array} codes
   * @param {number} cols
   * @param {number} maximum
   * @param {ScaleRange} on
   * @param {Uint8Array} colors
   * @param {number} factor pixels per patch
   */
  function smooth(codes, cols, maximum, on, colors, factor) {
    const rows = codes.length / cols;
    const places = Float32Array.from(codes, (code) =>
      Math.min(1, Math.max(0, Scale.position(Scale.value(code, maximum), on))),
    );
    const image = new ImageData(cols * factor, rows * factor);
    for (let y = 0; y < rows * factor; y += 1) {
      const [top, bottom, down] = between((y + 0.5) / factor - 0.5, rows);
      for (let x = 0; x < cols * factor; x += 1) {
        const [left, right, across] = between((x + 0.5) / factor - 0.5, cols);
        const upper = mix(places[top * cols + left], places[top * cols + right], across);
        const lower = mix(places[bottom * cols + left], places[bottom * cols + right], across);
        const index = Scale.colorIndex(mix(upper, lower, down));
        put(image.data, 4 * (y * cols * factor + x), colors, index);
      }
    }
    return image;
  }

  /**
   * The two neighbors of a position between 0 and count - 1, and the weight of the second.
   * @param {number} place
   * @param {number} count
   * @returns {[number, number, number]}
   */
  function between(place, count) {
    const held = Math.min(count - 1, Math.max(0, place));
    const first = Math.floor(held);
    return [first, Math.min(count - 1, first + 1), held - first];
  }

  /**
   * @param {number} a
   * @param {number} b
   * @param {number} share
   */
  function mix(a, b, share) {
    return a + (b - a) * share;
  }

  /**
   * @param {Uint8ClampedArray | Uint8Array} pixels
   * @param {number} at
   * @param {Uint8Array} colors
   * @param {number} index
   */
  function put(pixels, at, colors, index) {
    pixels[at] = colors[3 * index];
    pixels[at + 1] = colors[3 * index + 1];
    pixels[at + 2] = colors[3 * index + 2];
    pixels[at + 3] = 255;
  }

  /**
   * A canvas with an image, which can be drawn at any size.
   * @param {ImageData} image
   */
  function canvas(image) {
    const element = document.createElement("canvas");
    element.width = image.width;
    element.height = image.height;
    context(element).putImageData(image, 0, 0);
    return element;
  }

  /** @param {HTMLCanvasElement} element */
  function context(element) {
    const found = element.getContext("2d");
    if (!found) throw new Error("This browser draws no canvas.");
    return found;
  }

  return { table, mapCodes, others, remembered, patches, smooth, canvas, context };
})();
