"use strict";

// The choices of a page, for all models at once. The URL's fragment holds all of them, so that every
// view has an address and Back works.

const State = (() => {
  /** Choices within this time share one entry of the history. */
  const WALK_MS = 1500;
  const SCALES = /** @type {const} */ (["shared", "model", "layer", "map"]);
  const FORMS = /** @type {const} */ (["log2", "sqrt", "linear"]);
  const VIEWS = /** @type {const} */ (["wall", "heads", "layers", "pair"]);
  const HOWS = /** @type {const} */ (["difference", "flicker", "slider"]);
  const ORDERS = /** @type {const} */ (["number", "different"]);
  const PAIR_LAYERS = /** @type {const} */ (["number", "depth"]);
  const PAIR_HEADS = /** @type {const} */ (["number", "entropy", "distance", "mass", "match"]);
  const OUTLIERS = /** @type {const} */ (["plain", "outline"]);
  /** The two ways to color maps that have a switch: to compare numbers, and to look. */
  const COMPARE = /** @type {const} */ ({ scale: "shared", draw: "nearest" });
  const LOOK = /** @type {const} */ ({ scale: "map", draw: "smooth" });
  const CLIPS = /** @type {const} */ (["0", "0.5", "1", "2", "5"]);

  /**
   * @param {PageData} page
   * @returns {State}
   */
  function defaults(page) {
    const models = slugs(page);
    const steps = Sweeps.last(page);
    const shown = models.filter((slug) =>
      Sweeps.shows(page, { steps, spread: false }, page.models.findIndex((model) => model.slug === slug)),
    );
    // a sweep alone: compare its first and last step
    const [a, b] = shown.length > 1 ? shown : [models[0], models[models.length - 1]];
    return {
      // the last layer of each model
      layer: String(page.layers),
      head: "mean",
      query: page.queries.length ? page.queries[0].id : "CLS",
      scale: "shared",
      form: "log2",
      clip: 0.5,
      keep: 100,
      outliers: "plain",
      draw: "nearest",
      strength: 80,
      place: null,
      from: null,
      alike: null,
      view: "wall",
      a: a ?? "",
      b: b ?? "",
      how: "difference",
      slide: 50,
      order: "number",
      pairLayers: depthsDiffer(page) ? "depth" : "number",
      pairHeads: "number",
      frame: 1,
      steps,
      spread: false,
      embed: false,
    };
  }

  /**
   * @param {State} state
   * @param {string} [page] in a single file, the page that the choices belong to
   */
  function format(state, page = document.body.dataset.page) {
    const fields = new URLSearchParams({
      ...(page ? { page } : {}),
      layer: state.layer,
      head: state.head,
      query: state.query,
      scale: state.scale,
      form: state.form,
      clip: String(state.clip),
      keep: String(state.keep),
      draw: state.draw,
      overlay: String(state.strength),
    });
    for (const [name, value] of extra(state)) fields.set(name, value);
    if (state.query === Chunks.PATCH && state.from) fields.set("from", written(state.from));
    if (state.steps.length) fields.set("step", state.spread ? "all" : state.steps.join(","));
    if (state.place) fields.set("at", written(state.place));
    return `#${fields}`.replaceAll("%2C", ",").replaceAll("%2F", "/");
  }

  /**
   * Read a fragment; missing or invalid values become the default.
   * @param {string} fragment
   * @param {PageData} page
   * @returns {State}
   */
  function parse(fragment, page) {
    const state = defaults(page);
    const fields = new URLSearchParams(fragment.replace(/^#/, ""));
    const layer = fields.get("layer") ?? "";
    if (layers(page).includes(layer)) {
      state.layer = layer;
      // a layer by itself is a number, the same in every model
      state.pairLayers = "number";
    }
    const head = fields.get("head") ?? "";
    if (heads(page).includes(head)) state.head = head;
    const query = fields.get("query") ?? "";
    if (page.queries.some((choice) => choice.id === query)) state.query = query;
    state.scale = oneOf(SCALES, fields.get("scale"), state.scale);
    state.form = oneOf(FORMS, fields.get("form"), state.form);
    state.clip = Number(oneOf(CLIPS, fields.get("clip"), String(state.clip)));
    if (fields.get("draw") === "smooth") state.draw = "smooth";
    // the way of looking that was chosen on another page
    if (!fields.has("scale") && !fields.has("draw") && Kept.looks()) Object.assign(state, LOOK);
    state.strength = percent(fields.get("overlay"), state.strength);
    state.keep = Math.max(5, percent(fields.get("keep"), state.keep));
    state.outliers = oneOf(OUTLIERS, fields.get("outliers"), state.outliers);
    state.view = oneOf(VIEWS, fields.get("view"), state.view);
    state.how = oneOf(HOWS, fields.get("how"), state.how);
    state.order = oneOf(ORDERS, fields.get("order"), state.order);
    state.pairLayers = oneOf(PAIR_LAYERS, fields.get("layers"), state.pairLayers);
    state.pairHeads = oneOf(PAIR_HEADS, fields.get("heads"), state.pairHeads);
    state.slide = percent(fields.get("slide"), state.slide);
    state.a = oneOf(slugs(page), fields.get("a"), state.a);
    state.b = oneOf(slugs(page), fields.get("b"), state.b);
    const frame = Number(fields.get("frame") ?? 1);
    if (Number.isInteger(frame) && frame >= 1 && frame <= page.frames.length) state.frame = frame;
    state.steps = Sweeps.read(fields.get("step"), page);
    state.spread = page.sweeps.length > 0 && fields.get("step") === "all";
    state.embed = fields.get("embed") === "1";
    state.place = read(fields.get("at"), page);
    state.alike = read(fields.get("alike"), page);
    if (state.query === Chunks.PATCH) state.from = read(fields.get("from"), page);
    return state;
  }

  /**
   * Fields that are seldom changed: they are in the address only if they differ from the default.
   * @param {State} state
   * @returns {[string, string][]}
   */
  function extra(state) {
    /** @type {[string, string][]} */
    const fields = [];
    if (state.pairLayers !== "number") fields.push(["layers", state.pairLayers]);
    if (state.pairHeads !== "number") fields.push(["heads", state.pairHeads]);
    if (state.outliers !== "plain") fields.push(["outliers", state.outliers]);
    if (state.embed) fields.push(["embed", "1"]);
    if (state.frame > 1) fields.push(["frame", String(state.frame)]);
    if (state.alike) fields.push(["alike", written(state.alike)]);
    if (state.view === "wall") return fields;
    fields.push(["view", state.view], ["a", state.a], ["b", state.b]);
    if (state.view !== "pair") fields.push(["order", state.order]);
    if (state.view === "pair") fields.push(["how", state.how]);
    if (state.view === "pair" && state.how === "slider") fields.push(["slide", String(state.slide)]);
    return fields;
  }

  /**
   * Whether the models have different numbers of layers.
   * @param {PageData} page
   */
  function depthsDiffer(page) {
    return new Set(page.models.filter((model) => !model.failure).map((model) => model.layers)).size > 1;
  }

  /** @param {PageData} page */
  function slugs(page) {
    return page.models.filter((model) => !model.failure).map((model) => model.slug);
  }

  /**
   * @template {string} T
   * @param {readonly T[]} values
   * @param {string | null} text
   * @param {T} other
   */
  function oneOf(values, text, other) {
    return values.find((value) => value === text) ?? other;
  }

  /**
   * @param {string | null} text
   * @param {number} other
   */
  function percent(text, other) {
    return text && /^\d{1,3}$/.test(text) ? Math.min(100, Number(text)) : other;
  }

  /** @param {Place} place */
  function written(place) {
    return `${place.x.toFixed(1)},${place.y.toFixed(1)}`;
  }

  /**
   * @param {string | null} text
   * @param {PageData} page
   * @returns {Place | null}
   */
  function read(text, page) {
    const numbers = (text || "-").split(",").map(Number);
    if (numbers.length !== 2 || !numbers.every(Number.isFinite)) return null;
    const [x, y] = numbers;
    return x >= 0 && y >= 0 && x <= page.width && y <= page.height ? { x, y } : null;
  }

  /**
   * The place whose patch is the query; null when the query is a token.
   * @param {PageData} page
   * @param {State} state
   */
  function origin(page, state) {
    if (state.query !== Chunks.PATCH) return null;
    return state.from ?? { x: page.width / 2, y: page.height / 2 };
  }

  /** @param {PageData} page */
  function layers(page) {
    const numbers = Array.from({ length: page.layers }, (_, i) => String(i + 1));
    return page.pool ? [...numbers, "pool"] : numbers;
  }

  /** @param {PageData} page */
  function heads(page) {
    return ["mean", ...Array.from({ length: page.heads }, (_, i) => String(i + 1)), "max", "min"];
  }

  /**
   * @param {PageData} page
   * @param {(state: State) => void} changed
   */
  function create(page, changed) {
    let state = parse(location.hash, page);
    let pushed = -Infinity;
    let written = format(state);

    function follow() {
      state = parse(location.hash, page);
      written = format(state);
      pushed = -Infinity; // the next step is of another walk: it leaves this address in the history
      changed(state);
    }
    const signal = Lifetime.signal();
    window.addEventListener("popstate", follow, { signal });
    window.addEventListener("hashchange", follow, { signal });

    /**
     * @param {Partial<State>} patch
     * @param {How} how
     */
    function set(patch, how) {
      if (signal.aborted) return; // the address belongs to another page
      const before = format(state);
      state = { ...state, ...patch };
      const after = format(state);
      if (after !== written && how !== "hold") {
        const now = performance.now();
        const push = how === "push" || (how === "walk" && now - pushed > WALK_MS);
        if (push) {
          // what an address leaves out may be remembered otherwise by the time of Back
          history.replaceState(null, "", written);
          history.pushState(null, "", after);
        } else history.replaceState(null, "", after);
        if (how !== "replace") pushed = now;
        written = after;
      }
      if (before !== after) changed(state);
    }

    return { get: () => state, set };
  }

  return { COMPARE, LOOK, create, format, layers, heads, origin };
})();
