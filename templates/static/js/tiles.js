"use strict";

// A row of maps of one model, each a button: the heads of a layer, or the layers of a head.

const Tiles = (() => {
  /**
   * @param {HTMLElement} root
   * @param {(tile: Tile) => void} choose
   */
  function create(root, choose) {
    /** @type {{button: HTMLElement, canvas: HTMLCanvasElement, of: HTMLElement, label: HTMLElement, tile: Tile | null}[]} */
    const made = [];

    function add() {
      const canvas = document.createElement("canvas");
      const label = Dom.make("span", { class: "tile-label" });
      const of = Dom.make("span", { class: "visually-hidden" });
      const button = Dom.make("button", { type: "button", class: "tile" }, [canvas, of, label]);
      /** @type {typeof made[number]} */
      const one = { button, canvas, of, label, tile: null };
      button.addEventListener("click", () => one.tile && choose(one.tile));
      root.append(button);
      made.push(one);
    }

    return {
      /**
       * @param {ModelView} view
       * @param {Tile[]} tiles
       * @param {HTMLCanvasElement | null} atlas all maps of the model; null while they load
       */
      update(view, tiles, atlas) {
        while (made.length < tiles.length) add();
        made.forEach((one, i) => {
          const tile = tiles[i];
          one.button.hidden = !tile;
          if (!tile) return;
          one.tile = tile;
          one.label.textContent = tile.label;
          one.button.setAttribute("aria-pressed", String(tile.chosen));
          one.of.textContent = `${view.model.label}, ${tile.of} `;
          draw(one.canvas, view, tile, atlas);
        });
      },
    };
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {ModelView} view
   * @param {Tile} tile
   * @param {HTMLCanvasElement | null} atlas
   */
  function draw(canvas, view, tile, atlas) {
    const [rows, cols] = view.model.grid;
    if (canvas.width !== cols) canvas.width = cols;
    if (canvas.height !== rows) canvas.height = rows;
    const context = Paint.context(canvas);
    context.clearRect(0, 0, cols, rows);
    canvas.classList.toggle("tile-none", !tile.at);
    if (!tile.at || !atlas) return;
    const { row, column } = tile.at;
    context.drawImage(atlas, column * cols, row * rows, cols, rows, 0, 0, cols, rows);
  }

  return { create };
})();
