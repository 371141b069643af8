"use strict";

// Loads data chunks. Each is a classic script that calls galleryChunk: that works from a folder
// opened by double click, where a page may not fetch files.

const Chunks = (() => {
  /** @type {Map<string, {header: Header, png: string}>} */
  const arrived = new Map();
  /** @type {Map<string, Promise<Chunk>>} */
  const loading = new Map();

  /**
   * @param {Header} header
   * @param {string} png base64
   */
  function receive(header, png) {
    arrived.set(`${header.record}/${header.query}`, { header, png });
  }

  /**
   * Load and decode the chunk of a query of a record; asked twice, loaded once.
   * @param {string} record
   * @param {string} query
   * @param {string} url
   * @returns {Promise<Chunk>}
   */
  function load(record, query, url) {
    const key = `${record}/${query}`;
    let promise = loading.get(key);
    if (!promise) {
      const held = arrived.has(key) ? null : Files.chunk(key);
      if (held) receive(...held);
      promise = (arrived.has(key) ? Promise.resolve() : append(url)).then(() => decode(key, url));
      // a failed load may be tried again
      promise.catch(() => loading.delete(key));
      loading.set(key, promise);
      Lifetime.signal().addEventListener("abort", () => loading.delete(key));
    }
    return promise;
  }

  /**
   * @param {string} url
   * @returns {Promise<void>}
   */
  function append(url) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = url;
      script.onload = () => {
        script.remove();
        resolve();
      };
      script.onerror = () => reject(new Error(`${url} could not be loaded.`));
      document.head.append(script);
    });
  }

  /**
   * @param {string} key
   * @param {string} url
   * @returns {Promise<Chunk>}
   */
  async function decode(key, url) {
    const chunk = arrived.get(key);
    if (!chunk) throw new Error(`${url} holds another chunk than the page expects.`);
    arrived.delete(key);
    const { header, png } = chunk;
    const [maps, norms] = await Promise.all(
      [png, header.statistics.norms].map((text) => Decode.png(Decode.base64(text))),
    );
    return { header, codes: maps.codes, width: maps.width, norms: norms.codes, self: null };
  }

  /** @type {Map<string, Promise<PatchChunk>>} */
  const opened = new Map();

  /**
   * The same for the patch queries of a record.
   * @param {string} record
   * @param {string} url
   * @returns {Promise<PatchChunk>}
   */
  function loadPatches(record, url) {
    let promise = opened.get(record);
    if (!promise) {
      promise = load(record, PatchQueries.ID, url).then((loaded) =>
        PatchQueries.open(
          /** @type {Pick<PatchChunk, "header" | "codes" | "norms">} */ (/** @type {unknown} */ (loaded)),
        ),
      );
      promise.catch(() => opened.delete(record));
      opened.set(record, promise);
      Lifetime.signal().addEventListener("abort", () => opened.delete(record));
    }
    return promise;
  }

  /** @type {Map<string, Promise<AlikeFeatures>>} */
  const alike = new Map();

  /**
   * The features of a record's patches.
   * @param {string} record
   * @param {string} url
   * @returns {Promise<AlikeFeatures>}
   */
  function loadAlike(record, url) {
    let promise = alike.get(record);
    if (!promise) {
      const key = `${record}/${Alike.ID}`;
      const held = arrived.has(key) ? null : Files.chunk(key);
      if (held) receive(...held);
      promise = (arrived.has(key) ? Promise.resolve() : append(url)).then(async () => {
        const chunk = arrived.get(key);
        if (!chunk) throw new Error(`${url} holds another chunk than the page expects.`);
        arrived.delete(key);
        const header = /** @type {AlikeHeader} */ (/** @type {unknown} */ (chunk.header));
        const { codes, width } = await Decode.png(Decode.base64(chunk.png));
        return { codes, patches: width, scales: header.scales, error: header.error };
      });
      promise.catch(() => alike.delete(record));
      alike.set(record, promise);
      Lifetime.signal().addEventListener("abort", () => alike.delete(record));
    }
    return promise;
  }

  /**
   * Let go of what was loaded of other records, so that a long sequence does not fill the memory.
   * @param {Set<string>} records
   */
  function keep(records) {
    for (const key of loading.keys()) if (!records.has(key.slice(0, key.indexOf("/")))) loading.delete(key);
    for (const held of [opened, alike]) {
      for (const record of held.keys()) if (!records.has(record)) held.delete(record);
    }
  }

  return { receive, load, loadPatches, loadAlike, keep };
})();

/**
 * Called by every chunk.
 * @param {Header} header
 * @param {string} png
 */
function galleryChunk(header, png) {
  Chunks.receive(header, png);
}
