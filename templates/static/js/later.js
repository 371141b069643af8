"use strict";

// Scripts that not every reader uses are loaded when they are first wanted. The page names them in
// templates, which a browser leaves alone; in a single file they are there from the beginning.

const Later = (() => {
  /** @type {Map<string, Promise<void>>} by address: a script may do two things */
  const scripts = new Map();

  /**
   * Load the scripts that do something; asked twice, loaded once.
   * @param {string} name
   * @returns {Promise<void>}
   */
  async function load(name) {
    const group = document.querySelector(`template[data-later="${name}"]`);
    const found = group instanceof HTMLTemplateElement ? group.content.querySelectorAll("script") : [];
    await Promise.all(Array.from(found, (script) => once(script.getAttribute("src") ?? "")));
  }

  /** @param {string} url */
  function once(url) {
    let promise = scripts.get(url);
    if (!promise) {
      promise = Files.script(url);
      // a failed load may be tried again
      promise.catch(() => scripts.delete(url));
      scripts.set(url, promise);
    }
    return promise;
  }

  return { load };
})();
