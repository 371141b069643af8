"use strict";

// Terms explain themselves by style alone. This keeps an explanation inside the window, and closes it
// by Escape while its term still has the pointer or the focus.

const Glossary = (() => {
  const MARGIN = 8;

  /** @param {Event} event */
  function termOf(event) {
    const found = event.target instanceof Element ? event.target.closest(".term") : null;
    return found instanceof HTMLElement ? found : null;
  }

  /** @param {Event} event */
  function place(event) {
    const term = termOf(event);
    const text = term?.querySelector(".term-text");
    if (!term || !(text instanceof HTMLElement)) return;
    text.style.translate = "0";
    const { right } = text.getBoundingClientRect();
    const beyond = right + MARGIN - document.documentElement.clientWidth;
    if (beyond > 0) text.style.translate = `${-beyond}px`;
  }

  /** @param {MouseEvent | FocusEvent} event */
  function left(event) {
    const term = termOf(event);
    const to = event.relatedTarget;
    if (term && !(to instanceof Node && term.contains(to))) term.classList.remove("term-closed");
  }

  /** @param {KeyboardEvent} event */
  function close(event) {
    if (event.key !== "Escape") return;
    const open = document.querySelectorAll(".term:is(:hover, :focus-within):not(.term-closed)");
    for (const term of open) term.classList.add("term-closed");
    // this Escape has done what it was pressed for
    if (open.length) event.stopPropagation();
  }

  function start() {
    const signal = Lifetime.signal();
    document.addEventListener("mouseover", place, { signal });
    document.addEventListener("focusin", place, { signal });
    document.addEventListener("mouseout", left, { signal });
    document.addEventListener("focusout", left, { signal });
    document.addEventListener("keydown", close, { capture: true, signal });
  }

  return { start };
})();

Lifetime.each(Glossary.start);
