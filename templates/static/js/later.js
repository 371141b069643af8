"use strict";

// Scripts that not every reader uses are loaded at first use. The page names them in
// templates, which a browser does not run; in a single file they are part of the page.

const Later = (() => {
  /** @type {Map<string, Promise<void>>} by address: one script may serve two names */
  const scripts = new Map();

  /**
   * Load the scripts listed under a name; repeated calls load them once.
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
