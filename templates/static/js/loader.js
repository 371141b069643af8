"use strict";

// What a selection needs: which models, and loading their numbers.

const Loader = (() => {
  /**
   * @typedef {object} Needs
   * @property {() => State} get
   * @property {() => ModelView[]} views models that can be shown on the page
   * @property {() => ModelView[]} shown those that have a column
   * @property {ReturnType<typeof Frames.create> | null} frames of a sequence
   * @property {() => void} changed something arrived, or failed to
   */

  /** @param {Needs} needs */
  function create({ get, views, shown, frames, changed }) {
    /** Number of requests for another frame, and number of the last one that was shown. */
    let asked = 0;
    let turned = 0;
    return { needed, follow };

    /** The models whose numbers are needed: those shown, the two that are compared, and all if the
     * scale depends on models that are not shown. */
    function needed() {
      const { scale, clip, view, a, b } = get();
      if (scale === "model" || scale === "layer" || (scale === "shared" && clip !== 0.5)) return views();
      const two = view === "wall" ? [] : [a, b];
      return views().filter((each) => shown().includes(each) || two.includes(each.model.slug));
    }

    /** Load what is chosen, and drop queued loads that are no longer needed. Another frame is shown
     * once all of it is loaded; while it loads, frames in between are shown if they arrive first. */
    function follow() {
      const { frame, query } = get();
      const models = needed().map(({ model }) => Chunks.name(model.record, query));
      const wanted = new Set(frames ? frames.wanted(frame, query) : models);
      // features of patches are requested once, and stay needed
      Queue.keep((key) => wanted.has(key) || key.endsWith(`/${Chunks.ALIKE}`));
      if (!frames || frame === frames.shown()) {
        load();
        void frames?.ahead();
        return;
      }
      const mine = ++asked;
      void frames.load(frame, query).then((whole) => {
        const now = get();
        const late = mine < turned || now.query !== query || now.frame === frames.shown();
        if (!whole || late) return;
        turned = mine;
        frames.turn(frame);
        load();
        changed();
        if (now.frame === frame) void frames.ahead();
      });
    }

    /** Load what the chosen query needs. */
    function load() {
      const { query } = get();
      for (const view of needed()) {
        const { record, failure } = view.model;
        if (failure) Object.assign(view, { chunk: null, patches: null, features: null, problem: failure });
        if (query === Chunks.PATCH && !(query in view.model.chunks)) loadFeatures(view);
        const url = view.model.chunks[query];
        const held = view.chunk?.header.query === query && view.chunk.header.record === record;
        if (held) view.problem = "";
        if (url && !held) loadMaps(view, query, url);
      }
    }

    /**
     * Load the maps of a model.
     * @param {ModelView} view
     * @param {string} query
     * @param {string} url
     */
    function loadMaps(view, query, url) {
      const { record } = view.model;
      const wanted = () => get().query === query && view.model.record === record;
      /** @param {string} problem */
      const done = (problem) => {
        if (!wanted()) return;
        view.problem = problem;
        changed();
      };
      const loaded =
        query === Chunks.PATCH
          ? Chunks.loadPatches(record, url).then((patches) => {
              if (view.model.record === record) view.patches = patches;
            })
          : Chunks.load(record, query, url).then((chunk) => {
              if (wanted()) view.chunk = Fuse.withExtremes(chunk);
            });
      loaded.then(
        () => done(""),
        (error) => {
          if (error !== Queue.DROPPED) done(message(error));
        },
      );
    }

    /**
     * Load the features of a model whose patch queries are not kept.
     * @param {ModelView} view
     */
    function loadFeatures(view) {
      const { record, alike } = view.model;
      if (!alike) return;
      const done = (/** @type {Partial<ModelView>} */ found) => {
        if (view.model.record !== record) return;
        Object.assign(view, found);
        changed();
      };
      Promise.all([Chunks.loadAlike(record, alike), Later.load("cosine")]).then(
        ([features]) => done({ features, problem: "" }),
        (error) => {
          if (error !== Queue.DROPPED) done({ problem: message(error) });
        },
      );
    }
  }

  /** @param {unknown} error */
  function message(error) {
    return error instanceof Error ? error.message : String(error);
  }

  return { create };
})();
