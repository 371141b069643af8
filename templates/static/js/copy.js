"use strict";

// Buttons that copy the text of an element: <button data-copy="id of the element">.

const Copy = (() => {
  const SHOWN_MS = 2000;

  /** @param {HTMLButtonElement} button */
  function start(button) {
    const source = Dom.byId(button.dataset.copy ?? "", HTMLElement);
    const status = button.parentElement?.querySelector("[role=status]");
    let timer = 0;

    button.addEventListener("click", async () => {
      const copied = await write(source);
      if (status) status.textContent = copied ? "Copied" : "Selected: copy it with the keyboard";
      clearTimeout(timer);
      timer = window.setTimeout(() => {
        if (status) status.textContent = "";
      }, SHOWN_MS);
    });
  }

  /**
   * Copy to the clipboard; if the browser forbids that, select the text instead.
   * @param {HTMLElement} source
   */
  async function write(source) {
    try {
      await navigator.clipboard.writeText(source.textContent ?? "");
      return true;
    } catch {
      getSelection()?.selectAllChildren(source);
      return false;
    }
  }

  return { start };
})();

Lifetime.each(() => {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    if (button instanceof HTMLButtonElement) Copy.start(button);
  }
});
