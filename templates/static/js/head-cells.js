"use strict";

// A heat map of heads is one picture. The pointer reads the number of a cell from the text of all
// heads, and a click follows the link to the head below the heat maps.

(() => {
  /** The text of all heads as rows of columns, split when the pointer first asks. */
  function numbers() {
    const text = document.getElementById("numbers-of-heads")?.textContent ?? "";
    const [head = [], ...rows] = text.split("\n").map((line) => line.split("\t"));
    return { head, rows };
  }

  /** @param {MouseEvent} event */
  function cellAt(event) {
    const cells = event.target;
    if (!(cells instanceof SVGImageElement) || !cells.dataset.values) return null;
    const box = cells.getBoundingClientRect();
    const columns = Number(cells.dataset.columns);
    const lines = Number(cells.dataset.rows);
    const across = Math.floor(((event.clientX - box.left) / box.width) * columns);
    const down = Math.floor(((event.clientY - box.top) / box.height) * lines);
    const column = Math.min(Math.max(across, 0), columns - 1);
    const row = Math.min(Math.max(down, 0), lines - 1);
    return { cells, column, row, place: row * columns + column };
  }

  /** @param {Element} within @param {string} said */
  function say(within, said) {
    const value = within.closest("figure")?.querySelector(".chart-value");
    if (value) value.textContent = said;
  }

  Lifetime.each(() => {
    const signal = Lifetime.signal();
    /** @type {ReturnType<typeof numbers> | null} */
    let read = null;

    /** @param {PointerEvent} event */
    function pointed(event) {
      const found = cellAt(event);
      if (!found) return;
      read ??= numbers();
      const value = read.rows[found.place]?.[read.head.indexOf(found.cells.dataset.values ?? "")];
      say(found.cells, `layer ${found.row + 1}, head ${found.column + 1}: ${value ?? ""}`);
    }

    /** @param {PointerEvent} event */
    function left(event) {
      if (event.target instanceof SVGImageElement) say(event.target, "");
    }

    /** @param {MouseEvent} event */
    function pressed(event) {
      const found = cellAt(event);
      if (!found) return;
      const link = document.querySelectorAll(".head-links a")[found.place];
      if (link instanceof HTMLElement) link.click();
    }

    document.addEventListener("pointermove", pointed, { signal });
    document.addEventListener("pointerout", left, { signal });
    document.addEventListener("click", pressed, { signal });
  });
})();
