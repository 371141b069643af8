"use strict";

// The index: filters and sorts all images of the gallery, also those of its other pages. The data
// is loaded when the reader comes to the search.

/** Called by the data script. */
/** @type {(data: IndexData) => void} */
let galleryIndex = () => undefined;

const Finder = (() => {
  const PORTION = 200;
  /** Image cards that are made at a time, so that the first are painted at once: about a screen of them. */
  const SLICE = 12;
  /** Time after the last letter until the address says it; browsers slow down who writes it often. */
  const TYPING_MS = 200;

  /** @param {HTMLElement} bar */
  function start(bar) {
    const results = createResults(bar.dataset.root ?? "");
    const load = once(() => append(bar.dataset.data ?? ""));
    const controls = createControls({ show: (search) => void show(search), address });
    let latest = 0;

    /** @param {Search} search */
    async function show(search) {
      const turn = ++latest;
      const asked = controls.set(search);
      if (IndexState.isNothing(asked)) return results.hide();
      try {
        const data = await load();
        if (turn === latest) results.show(data, asked);
      } catch {
        results.fail();
      }
    }

    /**
     * @param {Search} search
     * @param {"push" | "replace"} how whether Back returns to the previous search
     */
    function address(search, how) {
      if (signal.aborted) return; // typed just before another page was shown
      const fragment = IndexState.format(search, IndexState.depth(location.hash));
      const { pathname, search: query } = location;
      const url = fragment ? `#${fragment}` : pathname + query;
      if (how === "push") history.pushState(null, "", url);
      else history.replaceState(null, "", url);
    }

    for (const kind of ["pointerenter", "focusin"]) {
      // where this fails, the search tries again
      bar.addEventListener(kind, () => void load().then(results.prepare, () => undefined), { once: true });
    }

    const signal = Lifetime.signal();
    const followed = () => {
      // links inside the page, such as the one that skips the header, are no search
      if (location.hash === "" || location.hash.includes("=")) void show(follow());
    };
    window.addEventListener("hashchange", followed, { signal });
    void show(follow());
  }

  /**
   * @typedef {object} Actions
   * @property {(search: Search) => void} show
   * @property {(search: Search, how: "push" | "replace") => void} address write the address
   * @param {Actions} actions
   */
  function createControls(actions) {
    const name = Dom.byId("find-name", HTMLInputElement);
    const sort = Dom.byId("find-sort", HTMLSelectElement);
    const group = document.getElementById("find-group");
    const clear = Dom.byId("find-clear", HTMLButtonElement);
    const groups = group instanceof HTMLSelectElement ? group : null;
    let timer = 0;

    /** @returns {Search} */
    function read() {
      return { sort: sort.value, group: groups ? groups.value : "", name: name.value };
    }

    /** @param {Search} search */
    function choose(search) {
      actions.address(search, "push");
      actions.show(search);
    }

    /** Write what was typed into the address. */
    function typed() {
      if (!timer) return;
      forget();
      actions.address(read(), "replace");
    }

    function forget() {
      clearTimeout(timer);
      timer = 0;
    }

    name.addEventListener("input", () => {
      actions.show(read());
      // the first letter adds an entry to the history, the others change it
      if (follow().name) timer = window.setTimeout(typed, TYPING_MS);
      else actions.address(read(), "push");
    });
    // before the page is left for a result
    name.addEventListener("blur", typed);
    for (const select of groups ? [sort, groups] : [sort]) {
      select.addEventListener("change", () => choose(read()));
    }
    clear.addEventListener("click", () => {
      choose(IndexState.NOTHING);
      name.focus();
    });

    /**
     * Show a search; choices that the page doesn't offer are ignored.
     * @param {Search} search
     * @returns {Search} what is shown
     */
    function set(search) {
      forget();
      if (name.value !== search.name) name.value = search.name;
      sort.value = hasOption(sort, search.sort) ? search.sort : "";
      if (groups) groups.value = hasOption(groups, search.group) ? search.group : "";
      const shown = read();
      clear.hidden = IndexState.isNothing(shown);
      return shown;
    }

    return { set };
  }

  function follow() {
    return IndexState.parse(location.hash);
  }

  /**
   * @param {HTMLSelectElement} select
   * @param {string} value
   */
  function hasOption(select, value) {
    return [...select.options].some((option) => option.value === value);
  }

  /**
   * The list that replaces the page's own image cards.
   * @param {string} root
   */
  function createResults(root) {
    const own = Dom.byId("image-cards", HTMLElement);
    const found = Dom.byId("found", HTMLElement);
    const list = Dom.find(found, ".image-cards");
    const more = Dom.byId("find-more", HTMLButtonElement);
    const count = Dom.byId("find-count", HTMLElement);
    /** Image cards are made on demand. */
    /** @type {(() => HTMLElement)[]} */
    let waiting = [];
    let next = 0;
    /** By the place of a statistic: each image's number in words. */
    /** @type {Map<number, Map<IndexImage, string>>} */
    const figures = new Map();

    /**
     * @param {IndexData} data
     * @param {number} place of a statistic
     */
    function figuresOf(data, place) {
      const found = figures.get(place) ?? ImageCards.figures(data, place);
      figures.set(place, found);
      return found;
    }

    /** @param {number} [room] most cards */
    function portion(room = PORTION) {
      clearTimeout(next);
      const cards = waiting.splice(0, Math.min(SLICE, room)).map((make) => make());
      list.append(...cards);
      const rest = Math.min(room - cards.length, waiting.length);
      if (rest) next = window.setTimeout(() => portion(rest));
      more.hidden = rest > 0 || waiting.length === 0;
      return cards;
    }

    more.addEventListener("click", () => portion()[0]?.querySelector("a")?.focus());

    /** @param {boolean} searching */
    function swap(searching) {
      own.hidden = searching;
      found.hidden = !searching;
    }

    return {
      /**
       * What the first search needs.
       * @param {IndexData} data
       */
      prepare(data) {
        figuresOf(data, 0);
      },
      hide() {
        swap(false);
        clearTimeout(next);
        list.replaceChildren();
        count.textContent = "";
      },
      /**
       * @param {IndexData} data
       * @param {Search} search
       */
      show(data, search) {
        const images = IndexState.select(data, search);
        // what images are sorted by is what each says
        const shown = figuresOf(data, Math.max(0, IndexState.sortedBy(data, search)));
        waiting = images.map((image) => () => ImageCards.make(data, image, root, shown.get(image) ?? ""));
        list.replaceChildren();
        portion();
        swap(true);
        const [some, all] = [images.length, data.images.length].map(Numbers.count);
        count.textContent = images.length ? `${some} of ${all} pictures` : `None of ${all} pictures`;
      },
      fail() {
        count.textContent = "The list of all pictures could not be loaded.";
      },
    };
  }

  /**
   * @param {string} url
   * @returns {Promise<IndexData>}
   */
  function append(url) {
    const held = Files.text(url);
    if (held !== null) return Promise.resolve(JSON.parse(held));
    return new Promise((resolve, reject) => {
      galleryIndex = resolve;
      Files.script(url).catch(reject);
    });
  }

  /**
   * Repeated calls do it once; a failure may be tried again.
   * @template T
   * @param {() => Promise<T>} make
   */
  function once(make) {
    /** @type {Promise<T> | null} */
    let promise = null;
    return () => {
      promise ??= make();
      promise.catch(() => {
        promise = null;
      });
      return promise;
    };
  }

  return { start };
})();

Lifetime.each(() => {
  const bar = document.getElementById("finder");
  if (bar) Finder.start(bar);
});
