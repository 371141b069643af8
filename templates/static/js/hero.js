"use strict";

// The hero of the front page: one slider for the layers of all models. It stands still as pictures until
// the slider is used; only then are the numbers loaded.

const Hero = (() => {
  /** Pixels a patch, as in generator/present/drawing/heatmap.py. */
  const SMOOTH = 8;
  /** Percent of the patches cut off at each end of a map's own scale. */
  const CLIP = 0.5;

  /** @param {HTMLElement} root */
  function start(root) {
    const slider = Dom.byId("hero-depth", HTMLInputElement);
    const depths = Number(root.dataset.depths);
    const colors = Paint.table(root.dataset.colors ?? "");
    const tiles = Array.from(root.querySelectorAll(".hero-map"), (element) => create(element, depths, colors));
    const apart = document.getElementById("hero-apart");
    const bits = apart?.dataset.apart?.split("|") ?? [];
    follow();
    window.addEventListener("hashchange", follow, { signal: Lifetime.signal() });

    /** Show the layer of the address; without one, the layer that the page came with. */
    function follow() {
      const asked = Number(IndexState.depth(location.hash));
      const depth = asked >= 1 && asked <= depths ? Math.round(asked) : Number(slider.defaultValue);
      // a browser may keep the place of a slider when a page is loaded again
      const shown = slider.dataset.shown ?? slider.defaultValue;
      slider.value = String(depth);
      if (depth === Number(shown)) say();
      else turn();
    }

    function turn() {
      slider.dataset.shown = slider.value;
      say();
      for (const tile of tiles) tile.show(Number(slider.value));
    }

    function say() {
      const depth = Number(slider.value);
      slider.setAttribute("aria-valuetext", `layer ${depth} of ${depths}`);
      if (apart && bits[depth - 1]) apart.textContent = `difference: ${bits[depth - 1]}`;
    }

    for (const kind of ["pointerenter", "focus"]) {
      slider.addEventListener(kind, () => tiles.forEach((tile) => tile.load()), { once: true });
    }
    slider.addEventListener("input", turn);
    slider.addEventListener("change", () => {
      const depth = slider.value === slider.defaultValue ? "" : slider.value;
      const fragment = IndexState.format(IndexState.parse(location.hash), depth);
      history.replaceState(null, "", fragment ? `#${fragment}` : location.pathname + location.search);
    });
  }

  /**
   * One model's map.
   * @param {Element} element
   * @param {number} depths layers of the deepest model
   * @param {Uint8Array} colors
   */
  function create(element, depths, colors) {
    const { chunk: url = "", record = "", query = "", layers = "" } = /** @type {HTMLElement} */ (element).dataset;
    const over = Dom.find(element, ".hero-over");
    const link = element.querySelector("a");
    const says = Dom.find(element, ".hero-layer");
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    /** @type {Promise<Chunk> | null} */
    let promise = null;
    let wanted = 0;

    function load() {
      promise ??= Chunks.load(record, query, url);
      promise.catch(() => (promise = null));
      return promise;
    }

    /** @param {number} depth */
    async function show(depth) {
      // the page of the picture opens where the slider is
      if (link instanceof HTMLAnchorElement && /^#layer=\d+$/.test(link.hash)) link.hash = `layer=${depth}`;
      const layer = Pairing.atDepth(depth, depths, Number(layers));
      wanted = depth;
      const name = `layer ${layer} of ${layers}`;
      try {
        const chunk = await load();
        if (wanted !== depth) return;
        const row = chunk.header.rows.indexOf(String(layer));
        says.textContent = `layer ${layer}/${layers}${row < 0 ? ", left out" : ""}`;
        if (row >= 0) paint(chunk, row);
        canvas.setAttribute("aria-label", name);
        over.replaceChildren(canvas);
      } catch {
        says.textContent = "could not be loaded";
      }
    }

    /**
     * @param {Chunk} chunk
     * @param {number} row
     */
    function paint(chunk, row) {
      const column = chunk.header.heads;
      const codes = Paint.mapCodes(chunk, row, column);
      const maximum = chunk.header.maxima[row][column] ?? 0;
      const bins = Scale.histogram();
      Scale.count(bins, codes, maximum);
      const range = Scale.rangeOf(bins, CLIP, "log2");
      const image = Paint.smooth(codes, chunk.header.grid[1], maximum, range, colors, SMOOTH);
      canvas.width = image.width;
      canvas.height = image.height;
      Paint.context(canvas).putImageData(image, 0, 0);
    }

    return { load, show };
  }

  return { start };
})();

Lifetime.each(() => {
  const root = document.getElementById("hero");
  if (root) Hero.start(root);
});
