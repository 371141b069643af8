"use strict";

// What outlasts a page: where the reader was, for the next picture, and how maps are colored.

const Kept = (() => {
  const PLACE = "attention-gallery-place";
  const MODE = "attention-gallery-mode";

  /**
   * @param {() => Storage} storage
   * @param {string} key
   */
  function read(storage, key) {
    try {
      return storage().getItem(key);
    } catch {
      return null; // the browser keeps nothing
    }
  }

  /**
   * @param {() => Storage} storage
   * @param {string} key
   * @param {string | null} text
   */
  function write(storage, key, text) {
    try {
      if (text === null) storage().removeItem(key);
      else storage().setItem(key, text);
    } catch {
      // then the next page starts afresh
    }
  }

  const session = () => sessionStorage;
  const local = () => localStorage;

  /** Before another picture: note what has the focus, and how far the page is scrolled. */
  function leave() {
    const at = document.activeElement;
    const wall = at?.closest("[data-wall]");
    const stage = at?.closest("[data-model]");
    const focus = wall instanceof HTMLElement
      ? `[data-wall="${wall.dataset.wall}"] [role=gridcell]`
      : stage instanceof HTMLElement
        ? `[data-model="${stage.dataset.model}"] [data-stage]`
        : at instanceof HTMLAnchorElement && at.rel
          ? `a[rel="${at.rel}"]`
          : at?.id
            ? `#${CSS.escape(at.id)}`
            : "";
    write(session, PLACE, JSON.stringify({ y: window.scrollY, focus }));
  }

  /** On the next picture: the same place, once. */
  function arrive() {
    const text = read(session, PLACE);
    write(session, PLACE, null);
    if (!text) return false;
    const { y, focus } = JSON.parse(text);
    const found = focus ? document.querySelector(focus) : null;
    if (found instanceof HTMLElement) found.focus({ preventScroll: true });
    window.scrollTo({ top: y, behavior: "instant" });
    return true;
  }

  /** @returns {boolean} whether maps are shown to look at, rather than to compare */
  function looks() {
    return read(local, MODE) === "look";
  }

  /** @param {boolean} look */
  function remember(look) {
    write(local, MODE, look ? "look" : null);
  }

  return { leave, arrive, looks, remember };
})();
