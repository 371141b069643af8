"use strict";

// The map of a wall that is under the pointer, enlarged beside it.

const WallLens = (() => {
  const SIDE = 176;
  const AWAY = 20;

  /**
   * @param {HTMLElement} frame of the wall
   * @returns {Lens}
   */
  function create(frame) {
    const canvas = document.createElement("canvas");
    const label = Dom.make("p");
    const root = Dom.make("div", { class: "wall-lens", "aria-hidden": "true", hidden: "" }, [canvas, label]);
    frame.append(root);

    return {
      hide() {
        root.hidden = true;
      },
      show(event, atlas, { x, y, cols, rows, shape }, text) {
        const width = shape > 1 ? SIDE : SIDE * shape;
        canvas.width = cols;
        canvas.height = rows;
        canvas.style.width = `${width}px`;
        canvas.style.height = `${width / shape}px`;
        Paint.context(canvas).drawImage(atlas, x, y, cols, rows, 0, 0, cols, rows);
        label.textContent = text;
        root.hidden = false;
        const { offsetWidth, offsetHeight } = root;
        const right = event.clientX + AWAY + offsetWidth < window.innerWidth;
        const down = event.clientY + AWAY + offsetHeight < window.innerHeight;
        root.style.left = `${right ? event.clientX + AWAY : event.clientX - AWAY - offsetWidth}px`;
        root.style.top = `${down ? event.clientY + AWAY : event.clientY - AWAY - offsetHeight}px`;
      },
    };
  }

  return { create };
})();
