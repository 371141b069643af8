"use strict";

// The frames of a sequence: the scrubber, and loading of frames near the one that is shown.
// The frame changes once all of it is loaded, so that all models change at once.

const Frames = (() => {
  const AHEAD = 4;
  const BEHIND = 2;
  /** Milliseconds per frame for readers who prefer reduced motion. */
  const CALM = 1000;
  /** Least milliseconds per frame. */
  const QUICK = 33;

  /**
   * @param {PageData} page
   * @param {{get: () => State, set: (patch: Partial<State>, how: How) => void}} state
   * @param {() => number[]} needed places of the models whose numbers are needed
   */
  function create(page, state, needed) {
    const root = Dom.byId("scrubber", HTMLElement);
    const range = Dom.byId("frame", HTMLInputElement);
    const play = Dom.byId("frame-play", HTMLButtonElement);
    const says = Dom.byId("frame-says", HTMLOutputElement);
    const link = Dom.byId("frame-page", HTMLAnchorElement);
    const list = document.querySelectorAll(".frame-list a");
    /** @type {Map<number, HTMLImageElement>} */
    const pictures = new Map();
    let shown = 0;
    let shownAt = 0;
    let playing = false;
    let timer = 0;

    // a single file may omit some
    range.max = String(page.frames.length);
    range.addEventListener("input", () => {
      stop();
      state.set({ frame: Number(range.value) }, "hold");
    });
    range.addEventListener("change", () => state.set({}, "walk"));
    play.addEventListener("click", () => (playing ? stop() : start()));
    const signal = Lifetime.signal();
    /** @param {KeyboardEvent} event */
    const keyed = (event) => {
      const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
      const free = event.target === document.body || event.target === play;
      if (!by || !free || event.altKey || event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      step(by);
    };
    const hidden = () => document.hidden && stop();
    document.addEventListener("keydown", keyed, { signal });
    document.addEventListener("visibilitychange", hidden, { signal });
    window.addEventListener("popstate", stop, { signal });
    signal.addEventListener("abort", () => {
      playing = false;
      clearTimeout(timer);
    });
    for (const drawing of document.querySelectorAll(".chart-drawing")) {
      drawing.addEventListener("click", (event) => {
        const dot = event.target instanceof Element ? event.target.closest("a") : null;
        const found = /[#&]frame=(\d+)/.exec(dot?.getAttribute("href") ?? "");
        if (!found) return;
        event.preventDefault();
        event.stopPropagation();
        stop();
        state.set({ frame: Number(found[1]) }, "push");
      });
    }

    function start() {
      playing = true;
      play.textContent = "Pause";
      shownAt = performance.now();
      next();
    }

    function stop() {
      if (!playing) return;
      playing = false;
      clearTimeout(timer);
      play.textContent = "Play";
      state.set({}, "replace");
    }

    /** Show the next frame when it is due; after the last, the first. */
    function next() {
      const { frames } = page;
      const last = shown === frames.length;
      const [from, to] = last ? [frames.length - 2, frames.length - 1] : [shown - 1, shown];
      const gap = 1000 * ((frames[to]?.time ?? 0) - (frames[from]?.time ?? 0));
      const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      const rest = shownAt + Math.max(gap, calm ? CALM : QUICK) - performance.now();
      clearTimeout(timer);
      timer = window.setTimeout(() => state.set({ frame: last ? 1 : shown + 1 }, "hold"), Math.max(0, rest));
    }

    /** @param {number} by */
    function step(by) {
      stop();
      const frame = Math.min(page.frames.length, Math.max(1, state.get().frame + by));
      state.set({ frame }, "walk");
    }

    /**
     * Load what a frame needs. Resolves when nothing is left to load: true if all of it was loaded or
     * failed, false if some was dropped because it was no longer needed.
     * @param {number} number
     * @param {string} query
     */
    async function load(number, query) {
      const frame = page.frames[number - 1];
      /** @type {Promise<unknown>[]} */
      const parts = needed().map((index) => {
        const { record, chunks, alike } = frame.models[index];
        const url = chunks[query];
        if (!url && query === Chunks.PATCH && alike) return Chunks.loadAlike(record, alike);
        if (!url) return Promise.resolve();
        return query === Chunks.PATCH ? Chunks.loadPatches(record, url) : Chunks.load(record, query, url);
      });
      if (frame.picture) parts.push(loadPicture(number));
      const found = await Promise.allSettled(parts);
      return !found.some((part) => part.status === "rejected" && part.reason === Queue.DROPPED);
    }

    /** @param {number} number of a frame with a picture */
    function loadPicture(number) {
      const known = pictures.get(number);
      if (known) return known.decode();
      const { slug, picture: path } = page.frames[number - 1];
      return Queue.add(pictureKey(slug), () => {
        const picture = pictures.get(number) ?? new Image();
        if (!pictures.has(number)) picture.src = Files.address(inside() + path);
        pictures.set(number, picture);
        return picture.decode();
      });
    }

    /**
     * Show another frame, and release frames that are far from it.
     * @param {number} number
     */
    function turn(number) {
      if (signal.aborted) return; // the pictures belong to another page
      const frame = page.frames[number - 1];
      const former = page.title;
      shown = number;
      shownAt = performance.now();
      Object.assign(page, { slug: frame.slug, title: frame.title });
      for (const [i, model] of page.models.entries()) {
        Object.assign(model, frame.models[i]);
        const cut = Dom.find(document, `[data-wall="${i}"] [data-cut]`);
        cut.textContent = model.cut;
        cut.hidden = !model.cut;
      }
      const source = frame.picture && Files.address(inside() + frame.picture);
      for (const photo of document.querySelectorAll(".stage-photo")) {
        if (!(photo instanceof HTMLImageElement) || !source) continue;
        if (photo.getAttribute("src") !== source) photo.src = source;
        if (photo.alt === former) photo.alt = frame.title;
      }
      const before = Array.from({ length: BEHIND }, (_, by) => number - 1 - by).filter((n) => n >= 1);
      const numbers = [...coming(number), ...before];
      Chunks.keep(new Set(numbers.flatMap((n) => page.frames[n - 1].models.map(({ record }) => record))));
      for (const n of pictures.keys()) if (!numbers.includes(n)) pictures.delete(n);
      if (playing) next();
    }

    /**
     * A frame and the ones after it; after the last, the first.
     * @param {number} number
     */
    function coming(number) {
      const count = page.frames.length;
      const found = Array.from({ length: AHEAD + 1 }, (_, by) => number + by).filter((n) => n <= count);
      return number === count && count > 1 ? [...found, 1] : found;
    }

    /**
     * Load the next frames: all at once during playback, otherwise one after the other, so that other
     * loads wait little.
     */
    async function ahead() {
      const { query } = state.get();
      const from = shown;
      for (const number of coming(from)) {
        const loading = load(number, query);
        if (!playing) await loading;
        const now = state.get();
        if (signal.aborted || now.frame !== from || now.query !== query) return;
      }
    }

    /**
     * What may be loaded while a frame is loading or shown.
     * @param {number} number
     * @param {string} query
     * @returns {string[]} keys of the queue
     */
    function wanted(number, query) {
      return coming(number).flatMap((n) => {
        const { slug, models } = page.frames[n - 1];
        return [pictureKey(slug), ...needed().map((index) => Chunks.name(models[index].record, query))];
      });
    }

    return {
      playing: () => playing,
      shown: () => shown,
      step,
      load,
      turn,
      ahead,
      wanted,

      /** @param {State} chosen */
      update(chosen) {
        const frame = page.frames[chosen.frame - 1];
        range.value = String(chosen.frame);
        says.textContent = `${frame.label} · frame ${chosen.frame} of ${page.frames.length}`;
        range.setAttribute("aria-valuetext", `${frame.label}, frame ${chosen.frame} of ${page.frames.length}`);
        const address = Files.link(`${inside()}i/${encodeURIComponent(frame.slug)}/index.html`);
        link.hidden = !address;
        link.href = address || "#";
        const name = document.body.dataset.page === undefined ? undefined : `i/${frame.slug}`;
        link.hash = State.format({ ...chosen, place: null, from: null, frame: 1 }, name);
        root.classList.toggle("scrubber-waits", chosen.frame !== shown);
        for (const each of list) {
          if (!(each instanceof HTMLAnchorElement)) continue;
          const current = decodeURIComponent(each.pathname).includes(`/${frame.slug}/`);
          if (current || each.dataset.page === `i/${frame.slug}`) each.setAttribute("aria-current", "true");
          else each.removeAttribute("aria-current");
        }
      },
    };
  }

  /**
   * The frames that exist here: a single file may omit some.
   * @param {PageBase[]} frames
   */
  function held(frames) {
    return frames.filter((frame) => Files.link(`${inside()}i/${encodeURIComponent(frame.slug)}/index.html`));
  }

  /** @param {string} slug of a frame */
  function pictureKey(slug) {
    return `${slug}/picture`;
  }

  /** The path from this page to the site's root; in a single file, paths start at the root. */
  function inside() {
    return document.body.dataset.page === undefined ? "../../" : "";
  }

  return { create, held };
})();
