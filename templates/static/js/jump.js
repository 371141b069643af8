"use strict";

// On a phone a wall and the large map don't fit on the screen together: a tap on a small map scrolls
// to the large one, which gets a button back.

const Jump = (() => {
  const PHONE = "(max-width: 40rem)";

  /**
   * @returns {(column: HTMLElement, from: HTMLElement) => void} `column`: of the large map;
   *   `from`: what was tapped
   */
  function create() {
    const back = Dom.make("button", { type: "button", class: "jump-back" }, ["Back to the small maps"]);
    /** @type {HTMLElement | null} */
    let source = null;
    back.addEventListener("click", () => {
      back.remove();
      if (source?.getClientRects().length) bring(source, source, "center");
    });

    return (column, from) => {
      const stage = Dom.find(column, "[data-stage]");
      const box = stage.getBoundingClientRect();
      const covered = parseFloat(getComputedStyle(document.documentElement).scrollPaddingTop);
      const seen = box.top >= covered && box.bottom <= window.innerHeight;
      if (seen || !window.matchMedia(PHONE).matches) return;
      source = from;
      Dom.find(column, "[data-readout]").prepend(back);
      // once the numbers of the tapped map are loaded, and nothing above moves any more
      requestAnimationFrame(() => bring(column, stage, "start"));
    };
  }

  /**
   * @param {HTMLElement} element
   * @param {HTMLElement} focused
   * @param {ScrollLogicalPosition} block
   */
  function bring(element, focused, block) {
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    focused.focus({ preventScroll: true });
    element.scrollIntoView({ block, behavior: still ? "auto" : "smooth" });
  }

  return { create };
})();
