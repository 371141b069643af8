"use strict";

// Start and end of the page that is shown. In a folder they are those of its document. If the whole
// site is one file, pages replace each other in one document; listeners and observers that a page
// has set up outside of its own elements are removed when it ends.

const Lifetime = (() => {
  /** @type {(() => void)[]} */
  const starts = [];
  let ending = new AbortController();

  /**
   * Run `start` for every page that is shown: now, and for each page that follows.
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
   * Call `changed` when an element changes its size, until the page ends.
   * @param {Element} element
   * @param {() => void} changed
   */
  function resized(element, changed) {
    const observer = new ResizeObserver(changed);
    observer.observe(element);
    ending.signal.addEventListener("abort", () => observer.disconnect());
  }

  /**
   * End the page, replace it with another, and start that.
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
