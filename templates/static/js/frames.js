"use strict";

// The frames of a sequence: the scrubber, and what is loaded of frames near the one that is shown.
// A frame is turned when all of it has arrived, so that all models change at once.

const Frames = (() => {
  const AHEAD = 4;
  const BEHIND = 2;
  /** Milliseconds a frame for readers who asked for less motion. */
  const CALM = 1000;
  /** Milliseconds a frame at least, as far as a screen shows it. */
  const QUICK = 33;

  /**
   * @param {PageData} page
   * @param {{get: () => State, set: (patch: Partial<State>, how: How) => void}} state
   */
  function create(page, state) {
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

    // a single file may leave some out
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

    /** Show the next frame when its time has come; behind the last comes the first. */
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
     * Load a frame; resolves when there is nothing more to wait for.
     * @param {number} number
     * @param {string} query
     */
    function load(number, query) {
      const frame = page.frames[number - 1];
      /** @type {Promise<unknown>[]} */
      const parts = frame.models.map(({ record, chunks }) => {
        const url = chunks[query];
        if (!url) return Promise.resolve();
        return query === PatchQueries.ID ? Chunks.loadPatches(record, url) : Chunks.load(record, query, url);
      });
      if (frame.picture) {
        const picture = pictures.get(number) ?? new Image();
        if (!pictures.has(number)) picture.src = Files.address(inside() + frame.picture);
        pictures.set(number, picture);
        parts.push(picture.decode());
      }
      return Promise.allSettled(parts);
    }

    /**
     * Put a frame in the place of the one that is shown.
     * @param {number} number
     * @param {string} query
     */
    function turn(number, query) {
      if (signal.aborted) return; // the pictures are another page's
      const frame = page.frames[number - 1];
      const before = page.title;
      shown = number;
      shownAt = performance.now();
      Object.assign(page, { slug: frame.slug, title: frame.title });
      for (const [i, model] of page.models.entries()) Object.assign(model, frame.models[i]);
      const source = frame.picture && Files.address(inside() + frame.picture);
      for (const photo of document.querySelectorAll(".stage-photo")) {
        if (!(photo instanceof HTMLImageElement) || !source) continue;
        if (photo.getAttribute("src") !== source) photo.src = source;
        if (photo.alt === before) photo.alt = frame.title;
      }
      near(query);
    }

    /**
     * Keep what is near the frame that is shown, and load what comes next.
     * @param {string} query
     */
    function near(query) {
      /** @type {Set<number>} */
      const numbers = new Set();
      for (let by = -BEHIND; by <= AHEAD; by += 1) {
        const number = shown + by;
        if (number >= 1 && number <= page.frames.length) numbers.add(number);
      }
      if (shown === page.frames.length) numbers.add(1);
      const records = [...numbers].flatMap((n) => page.frames[n - 1].models.map((model) => model.record));
      Chunks.keep(new Set(records));
      for (const number of pictures.keys()) if (!numbers.has(number)) pictures.delete(number);
      for (const number of numbers) if (number >= shown || number === 1) void load(number, query);
      if (playing) next();
    }

    return {
      playing: () => playing,
      shown: () => shown,
      step,
      load,
      turn,

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
   * The frames that are here: a single file may leave some out.
   * @param {PageFrame[]} frames
   */
  function held(frames) {
    return frames.filter((frame) => Files.link(`${inside()}i/${encodeURIComponent(frame.slug)}/index.html`));
  }

  /** From this page to the site; in a single file, paths are those of the site. */
  function inside() {
    return document.body.dataset.page === undefined ? "../../" : "";
  }

  return { create, held };
})();
