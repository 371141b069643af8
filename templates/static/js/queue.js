"use strict";

// A queue of loads: a few run at a time, the others wait. Waiting loads can be dropped, for example
// those of steps that a dragged slider has already passed.

const Queue = (() => {
  const AT_ONCE = 4;
  /** The error of a load that was dropped before it began. */
  const DROPPED = new Error("This is not wanted any more.");
  /** @type {{key: string, start: () => void, drop: () => void}[]} */
  let waiting = [];
  let running = 0;

  /**
   * Load something when a place is free.
   * @template T
   * @param {string} key
   * @param {() => Promise<T>} load
   * @returns {Promise<T>}
   */
  function add(key, load) {
    return new Promise((resolve, reject) => {
      const start = () => {
        running += 1;
        load().then(resolve, reject).finally(() => {
          running -= 1;
          next();
        });
      };
      waiting.push({ key, start, drop: () => reject(DROPPED) });
      next();
    });
  }

  function next() {
    while (running < AT_ONCE && waiting.length) waiting.shift()?.start();
  }

  /**
   * Drop loads that have not begun and are no longer needed.
   * @param {(key: string) => boolean} wanted
   */
  function keep(wanted) {
    const gone = waiting.filter(({ key }) => !wanted(key));
    waiting = waiting.filter(({ key }) => wanted(key));
    for (const { drop } of gone) drop();
  }

  return { DROPPED, add, keep };
})();
