"use strict";

// How large maps are arranged: as many beside each other as makes them largest, with the picture and
// the table of values where they cost the maps least.

const StageLayout = (() => {
  const GAP = 8;
  /** Least width of a map, in pixels, if the window is too small for all of them. */
  const LEAST = 170;
  /** Width of the small picture beside the maps, and of the picture and the table together. */
  const PICTURE = 150;
  const TABLE = 352;
  /** Below this width of the page, nothing stands beside the maps. */
  const NARROW = 700;
  /** A window is low up to this height, as in toolbar.css. */
  const LOW = 500;
  /** Share of their largest width that maps may lose to stand in a single row, with the page going on below. */
  const ROW = 0.96;
  /** Share of their largest width that maps may lose to what stands beside them. */
  const WORTH = 0.88;

  /**
   * @typedef {{across: number, width: number}} Arrangement maps in a row, and the width of one
   */

  /**
   * The arrangement with the largest maps.
   * @param {number} count of maps
   * @param {number} shape width over height of a map
   * @param {{width: number, height: number}} room
   * @param {number} caption height of the lines below a map
   * @returns {Arrangement}
   */
  function largest(count, shape, room, caption) {
    let best = { across: 1, width: 0 };
    for (let across = 1; across <= count; across += 1) {
      const down = Math.ceil(count / across);
      const high = (room.height - (down - 1) * GAP) / down - caption;
      const width = Math.min((room.width - (across - 1) * GAP) / across, high * shape);
      if (width > best.width) best = { across, width };
    }
    const least = Math.min(LEAST, room.width);
    if (best.width >= least) return best;
    const across = Math.max(1, Math.min(count, Math.floor((room.width + GAP) / (least + GAP))));
    return { across, width: (room.width - (across - 1) * GAP) / across };
  }

  /**
   * Where the picture and the table stand: below the maps, the picture beside them, or both beside.
   * @param {number} count of maps
   * @param {number} shape
   * @param {{width: number, height: number}} room
   * @param {{caption: number, table: number}} heights
   * @returns {Arrangement & {place: "below" | "picture" | "beside"}}
   */
  function arrange(count, shape, room, { caption, table }) {
    const short = { width: room.width, height: room.height - table };
    const below = largest(count, shape, short, caption);
    if (room.width < NARROW) return { ...below, place: "below" };
    const picture = largest(count, shape, { ...short, width: room.width - PICTURE - GAP }, caption);
    const beside = largest(count, shape, { ...room, width: room.width - TABLE - GAP }, caption);
    const enough = WORTH * below.width;
    if (below.across === count && beside.across < count && below.width >= ROW * beside.width) {
      return { ...below, place: "below" };
    }
    if (beside.width >= picture.width && beside.width >= enough) return { ...beside, place: "beside" };
    return picture.width >= enough ? { ...picture, place: "picture" } : { ...below, place: "below" };
  }

  /**
   * Keep the maps arranged while the page lasts.
   * @param {PageData} page
   * @returns {() => void} to be called when the number of maps changes
   */
  function create(page) {
    const root = Dom.find(document, ".maps");
    const models = Dom.find(root, ".models");
    const table = Dom.find(root, ".reading");
    const box = Places.crop(page);
    const shape = box.width / box.height;

    function fit() {
      const columns = [...models.children].filter((e) => e instanceof HTMLElement && !e.hidden);
      if (!columns.length) return;
      const top = root.getBoundingClientRect().top + window.scrollY;
      const bar = parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--bar-bottom")) || 0;
      // in a low window, maps take most of it, and the rest is scrolled to
      const most = (window.innerHeight > LOW ? 0.7 : 0.95) * window.innerHeight;
      const foot = document.getElementById("scrubber")?.offsetHeight ?? 0;
      const height = Math.max(window.innerHeight - top - bar - foot - 2, most);
      const room = { width: root.clientWidth, height };
      const caption = Math.max(...columns.map((e) => Dom.find(e, ".model-head").offsetHeight));
      const rows = table.querySelectorAll("tr:not([hidden])").length;
      const found = arrange(columns.length, shape, room, { caption, table: 24 * rows + 6 });
      root.dataset.place = found.place;
      root.style.setProperty("--across", String(found.across));
      root.style.setProperty("--map", `${Math.floor(found.width)}px`);
      root.style.setProperty("--shape", String(shape));
      const bleed = -parseFloat(getComputedStyle(root).marginInlineStart);
      const used = found.across * (found.width + GAP) + (found.place === "beside" ? TABLE + GAP : 0);
      root.toggleAttribute("data-inset", bleed > 0 && room.width - used >= 2 * bleed);
      root.dataset.rows = String(Math.ceil(columns.length / found.across));
    }

    Lifetime.resized(root, fit);
    window.addEventListener("resize", fit, { signal: Lifetime.signal() });
    Lifetime.resized(Dom.find(document, ".controls"), fit);
    fit();
    return fit;
  }

  return { arrange, create };
})();
