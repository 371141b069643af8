"use strict";

// How long the page lasts that is shown. In a folder that is as long as its document; where the whole
// site is one file, pages follow each other in one document, and what a page has set up outside of
// its own elements ends with it.

const Lifetime = (() => {
  /** @type {(() => void)[]} */
  const starts = [];
  let ending = new AbortController();

  /**
   * Set up every page that is shown: the one there is, and those that follow it.
   * @param {() => void} start
   */
  function each(start) {
    starts.push(start);
    start();
  }

  /** Aborted when the page that is shown now ends. */
  function signal() {
    return ending.signal;
  }

  /**
   * Tell when an element changes its size, while the page lasts.
   * @param {Element} element
   * @param {() => void} changed
   */
  function resized(element, changed) {
    const observer = new ResizeObserver(changed);
    observer.observe(element);
    ending.signal.addEventListener("abort", () => observer.disconnect());
  }

  /**
   * End the page, put another in its place, and set that up.
   * @param {() => void} replace
   */
  function turn(replace) {
    ending.abort();
    ending = new AbortController();
    replace();
    for (const start of starts) start();
  }

  return { each, signal, resized, turn };
})();
