"use strict";

// Where a file of the site is: beside the page, or, if the whole site is one file, in a block of
// text inside it that nothing has read yet.

const Files = (() => {
  /** @type {Map<string, string>} */
  const addresses = new Map();

  /**
   * The text of a file embedded in this one; null if it is a file of its own.
   * @param {string} path relative to the site
   */
  function text(path) {
    return block("file", path)?.textContent ?? null;
  }

  /**
   * The bytes of a chunk that is inside this file.
   * @param {string} key record and query
   */
  function chunk(key) {
    const found = block("chunk", key);
    return found && Decode.base64(found.textContent ?? "");
  }

  /**
   * Run a script from a file.
   * @param {string} url
   * @returns {Promise<void>}
   */
  function script(url) {
    return new Promise((resolve, reject) => {
      const element = document.createElement("script");
      element.src = url;
      element.onload = () => {
        element.remove();
        resolve();
      };
      element.onerror = () => reject(new Error(`${url} could not be loaded.`));
      document.head.append(element);
    });
  }

  /**
   * The address of a picture or another file.
   * @param {string} path relative to the site
   */
  function address(path) {
    const known = addresses.get(path);
    if (known) return known;
    const found = block("file", path);
    if (!found) return path;
    const bytes = Decode.base64(found.textContent ?? "");
    const blob = new Blob([/** @type {BlobPart} */ (bytes)], { type: found.dataset.type });
    return know(path, URL.createObjectURL(blob));
  }

  /**
   * @param {string} path
   * @param {string} url
   */
  function know(path, url) {
    addresses.set(path, url);
    return url;
  }

  /** Release the pictures that a page has shown. */
  function forget() {
    for (const [path, url] of addresses) {
      if (!url.startsWith("blob:")) continue;
      URL.revokeObjectURL(url);
      addresses.delete(path);
    }
  }

  /**
   * The link to a page; empty for a page omitted from a single file.
   * @param {string} path of the page, relative to the site
   */
  function link(path) {
    if (document.body.dataset.page === undefined) return path;
    const name = path.replace(/\/index\.html$/, "");
    return document.querySelector(`template[data-page="${CSS.escape(name)}"]`) ? `#page=${name}` : "";
  }

  /**
   * @param {"file" | "chunk"} kind
   * @param {string} name
   */
  function block(kind, name) {
    const found = document.querySelector(`script[data-${kind}="${CSS.escape(name)}"]`);
    return found instanceof HTMLScriptElement ? found : null;
  }

  return { text, chunk, script, address, know, forget, link };
})();
