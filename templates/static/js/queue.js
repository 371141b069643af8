"use strict";

// What is asked of the server goes through here, a few at a time. The rest waits its turn, so that
// what a reader has left behind meanwhile, dragging a slider, is never asked for.

const Queue = (() => {
  const AT_ONCE = 4;
  /** Why a load that had not begun came to nothing. */
  const DROPPED = new Error("This is not wanted any more.");
  /** @type {{key: string, start: () => void, drop: () => void}[]} */
  let waiting = [];
  let running = 0;

  /**
   * Load something when it is its turn.
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
   * Drop what has not begun and is not wanted any more.
   * @param {(key: string) => boolean} wanted
   */
  function keep(wanted) {
    const gone = waiting.filter(({ key }) => !wanted(key));
    waiting = waiting.filter(({ key }) => wanted(key));
    for (const { drop } of gone) drop();
  }

  return { DROPPED, add, keep };
})();
