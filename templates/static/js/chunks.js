"use strict";

// Loads data chunks. Each is a classic script that calls galleryChunk; this works from a folder
// opened by double click, where a page may not fetch files.

const Chunks = (() => {
  /** The query that stands for any patch. */
  const PATCH = "patch";
  /** Used in place of a query for chunks that hold features of patches. */
  const ALIKE = "alike";
  /** @type {Map<string, string>} */
  const arrived = new Map();
  /** @type {Map<string, Promise<Chunk>>} */
  const loading = new Map();

  /**
   * @param {string} key
   * @param {string} text
   */
  function receive(key, text) {
    arrived.set(key, text);
  }

  /**
   * The key of a chunk.
   * @param {string} record
   * @param {string} query
   */
  function name(record, query) {
    return `${record}/${query}`;
  }

  /**
   * Load and decode the chunk of a query of a record; repeated calls load it once.
   * @param {string} record
   * @param {string} query
   * @param {string} url
   * @returns {Promise<Chunk>}
   */
  function load(record, query, url) {
    const key = name(record, query);
    return loading.get(key) ?? hold(loading, key, read(key, url, decode));
  }

  /**
   * Cache a load while the page is shown; a failed load may be tried again.
   * @template T
   * @param {Map<string, Promise<T>>} held
   * @param {string} key
   * @param {Promise<T>} promise
   */
  function hold(held, key, promise) {
    // another load may have replaced it
    const forget = () => held.get(key) === promise && held.delete(key);
    held.set(key, promise);
    promise.catch(forget);
    Lifetime.signal().addEventListener("abort", forget);
    return promise;
  }

  /**
   * What a chunk holds.
   * @template T
   * @param {string} key
   * @param {string} url
   * @param {(packed: Packed) => Promise<T>} open
   * @returns {Promise<T>}
   */
  async function read(key, url, open) {
    const inside = Files.chunk(key);
    if (!inside && !arrived.has(key)) await Queue.add(key, () => Files.script(url));
    const text = arrived.get(key);
    if (!inside && text === undefined) throw new Error(`${url} holds another chunk than the page expects.`);
    arrived.delete(key);
    return inTurn(async () => open(await Decode.unpack(inside ?? Decode.characters(text ?? ""))));
  }

  /** @type {Promise<unknown>} */
  let last = Promise.resolve();

  /**
   * Do one after the other: the first is done before the others begin, and can be shown.
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  function inTurn(work) {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  }

  /**
   * @param {Packed} packed
   * @returns {Promise<Chunk>}
   */
  async function decode({ header, png }) {
    const [maps, norms] = await Promise.all([png, Decode.base64(header.statistics.norms)].map(Decode.png));
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
    return opened.get(record) ?? hold(opened, record, open());

    async function open() {
      const [loaded] = await Promise.all([load(record, PATCH, url), Later.load("patch")]);
      const found = /** @type {unknown} */ (loaded);
      return PatchQueries.open(/** @type {Pick<PatchChunk, "header" | "codes" | "norms">} */ (found));
    }
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
    const open = async (/** @type {Packed} */ { header, png }) => {
      const { scales, error } = /** @type {AlikeHeader} */ (/** @type {unknown} */ (header));
      const { codes, width } = await Decode.png(png);
      return { record, codes, patches: width, scales, error };
    };
    return alike.get(record) ?? hold(alike, record, read(name(record, ALIKE), url, open));
  }

  /**
   * Drop the chunks of other records, so that a long sequence does not fill the memory.
   * @param {Set<string>} records
   */
  function keep(records) {
    for (const key of loading.keys()) if (!records.has(key.slice(0, key.indexOf("/")))) loading.delete(key);
    for (const held of [opened, alike]) {
      for (const record of held.keys()) if (!records.has(record)) held.delete(record);
    }
  }

  return { PATCH, ALIKE, receive, name, load, loadPatches, loadAlike, keep };
})();

/**
 * Called by every chunk.
 * @param {string} key record and query
 * @param {string} text
 */
function galleryChunk(key, text) {
  Chunks.receive(key, text);
}
