"use strict";

// From a chunk's text to 8-bit codes. Own code, because a browser with fingerprinting protection may
// change the pixels one reads back from a canvas; these bytes are exact.

const Decode = (() => {
  const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

  /**
   * @param {string} text
   * @returns {Uint8Array}
   */
  function base64(text) {
    const native = /** @type {{fromBase64?: (text: string) => Uint8Array}} */ (
      /** @type {unknown} */ (Uint8Array)
    );
    if (native.fromBase64) return native.fromBase64(text);
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
    return bytes;
  }

  /** Bits of a character, and the character that stands for 0: see generator/present/cells/chunks/packing.py. */
  const BITS = 15;
  const FIRST = 0x3000;

  /**
   * The bytes that a chunk's characters carry.
   * @param {string} text
   * @returns {Uint8Array}
   */
  function characters(text) {
    const bytes = new Uint8Array((text.length * BITS) >> 3);
    let held = 0;
    let bits = 0;
    for (let i = 0, at = 0; i < text.length; i += 1) {
      held = (held << BITS) | (text.charCodeAt(i) - FIRST);
      for (bits += BITS; bits >= 8; at += 1) {
        bits -= 8;
        bytes[at] = held >> bits;
      }
    }
    return bytes;
  }

  /**
   * The header and the PNG of a chunk.
   * @param {Uint8Array} bytes
   * @returns {Promise<Packed>}
   */
  async function unpack(bytes) {
    const end = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    const text = new TextDecoder().decode(await inflate([bytes.subarray(4, end)]));
    return { header: JSON.parse(text), png: bytes.subarray(end) };
  }

  /**
   * The size and the joined image data of a PNG.
   * @param {Uint8Array} bytes
   */
  function parse(bytes) {
    if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) throw new Error("Not a PNG.");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    /** @type {Uint8Array[]} */
    const parts = [];
    let width = 0;
    let height = 0;
    for (let at = 8; at + 8 <= bytes.length; ) {
      const length = view.getUint32(at);
      const type = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
      const body = at + 8;
      if (type === "IHDR") {
        width = view.getUint32(body);
        height = view.getUint32(body + 4);
        // 8 bits, gray, deflate, adaptive filters, not interlaced: the only kind that chunks use
        const rest = [8, 0, 0, 0, 0];
        if (rest.some((value, i) => bytes[body + 8 + i] !== value)) throw new Error("Not 8-bit gray.");
      } else if (type === "IDAT") {
        parts.push(bytes.subarray(body, body + length));
      }
      at = body + length + 4;
    }
    return { width, height, parts };
  }

  /**
   * @param {Uint8Array[]} parts
   * @returns {Promise<Uint8Array>}
   */
  async function inflate(parts) {
    const source = new ReadableStream({
      start(control) {
        for (const part of parts) control.enqueue(part);
        control.close();
      },
    });
    return new Uint8Array(await new Response(source.pipeThrough(new DecompressionStream("deflate"))).arrayBuffer());
  }

  /**
   * Undo the row filters of an 8-bit gray PNG.
   * @param {Uint8Array} data rows, each after its filter byte
   * @param {number} width
   * @param {number} height
   */
  function unfilter(data, width, height) {
    const codes = new Uint8Array(width * height);
    for (let row = 0; row < height; row += 1) {
      const filter = data[row * (width + 1)];
      const source = row * (width + 1) + 1;
      const target = row * width;
      for (let col = 0; col < width; col += 1) {
        const left = col > 0 ? codes[target + col - 1] : 0;
        const up = row > 0 ? codes[target - width + col] : 0;
        const corner = row > 0 && col > 0 ? codes[target - width + col - 1] : 0;
        let guess = 0;
        if (filter === 1) guess = left;
        else if (filter === 2) guess = up;
        else if (filter === 3) guess = (left + up) >> 1;
        else if (filter === 4) guess = paeth(left, up, corner);
        codes[target + col] = data[source + col] + guess;
      }
    }
    return codes;
  }

  /**
   * @param {number} left
   * @param {number} up
   * @param {number} corner
   */
  function paeth(left, up, corner) {
    const toLeft = Math.abs(up - corner);
    const toUp = Math.abs(left - corner);
    const toCorner = Math.abs(left + up - 2 * corner);
    if (toLeft <= toUp && toLeft <= toCorner) return left;
    return toUp <= toCorner ? up : corner;
  }

  /**
   * Decode an 8-bit gray PNG.
   * @param {Uint8Array} bytes
   */
  async function png(bytes) {
    const { width, height, parts } = parse(bytes);
    const data = await inflate(parts);
    if (data.length !== (width + 1) * height) throw new Error("The PNG is cut short.");
    return { width, height, codes: unfilter(data, width, height) };
  }

  return { base64, characters, unpack, png };
})();
