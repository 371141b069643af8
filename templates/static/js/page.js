"use strict";

// The program of an image page: reads its data, builds the views, and updates all from one state.

const Page = (() => {
  /**
   * @typedef {object} App
   * @property {PageData} page
   * @property {ReturnType<typeof State.create>} state
   * @property {ReturnType<typeof Controls.create>} controls
   * @property {Stage} original the picture alone
   * @property {ReturnType<typeof Ranges.create>} ranges
   * @property {ReturnType<typeof Pairing.create>} pairing
   * @property {ReturnType<typeof ViewChoice.create>} below the view below the large maps
   * @property {ReturnType<typeof AlikeChoice.create>} alike
   * @property {ReturnType<typeof NumbersChoice.create>} numbers
   * @property {ReturnType<typeof Peek.create>} peek
   * @property {(() => void) | null} arrange lays out the large maps
   * @property {string} token the last query that was not a patch
   * @property {Map<ModelView, () => HTMLCanvasElement | null>} atlases
   * @property {ModelView[]} views models that can be shown on this page
   * @property {ModelView[]} shown those that have a column: for a sweep, the chosen step
   * @property {ReturnType<typeof SweepSliders.create> | null} sweeps their sliders
   * @property {{layer: RowLabel, head: HeadLabel} | null} previewed under the pointer in a wall
   * @property {Place | null} pointed under the pointer in a picture
   * @property {AbortSignal} ended aborted when another page replaces this one
   * @property {number} frame the animation frame asked for; 0 when none is
   * @property {ReturnType<typeof Frames.create> | null} frames of a sequence
   * @property {number} asked number of requests for another frame
   * @property {number} turned number of the last request that was shown
   */

  function start() {
    const source = document.getElementById("page-data");
    if (!source) return;
    /** @type {PageData} */
    const page = JSON.parse(source.textContent ?? "");
    if (page.frames.length) page.frames = Frames.held(page.frames);
    // a model may fail on single frames of a sequence
    const usable = page.models.map((model) => !model.failure);
    const announcer = Announcer.create(Dom.byId("announcer", HTMLElement), () =>
      Announcer.sentence(app.shown, app.state.get(), (view) => show(app, view, app.state.get())),
    );
    const peek = Peek.create();
    const state = State.create(page, () => {
      app.previewed = null;
      look(app);
      follow(app);
      schedule(app);
      if (!app.frames?.playing()) announcer.soon();
    });
    const needs = () => needed(app).map(({ index }) => index);
    const frames = page.frames.length ? Frames.create(page, state, needs) : null;
    frames?.turn(state.get().frame);
    /** @type {App} */
    const app = {
      page,
      state,
      controls: Controls.create(page, state.set, state.get),
      original: Stages.create(Dom.find(document, '[data-stage="picture"]'), page, null, {
        point: (place) => point(app, place),
        pin: (place, second) => pin(app, null, place, second),
        step: () => {},
        enter: () => {},
      }),
      ranges: Ranges.create(page, () => app.views),
      pairing: Pairing.create(page, () => schedule(app)),
      below: ViewChoice.create(
        page,
        {
          set: state.set,
          choose: ({ layer, head }) => {
            state.set({ layer, head }, "push");
            peek.show();
          },
          point: (place) => point(app, place),
          pin: (place, second) => pin(app, null, place, second),
          show: (view, wanted) => show(app, view, wanted),
          paint: (view) => app.atlases.get(view)?.() ?? null,
        },
        () => schedule(app),
      ),
      peek,
      alike: AlikeChoice.create(page, (alike) => state.set({ alike }, "walk")),
      numbers: NumbersChoice.create(() => schedule(app)),
      arrange: null,
      token: page.queries.find((choice) => choice.id !== Chunks.PATCH)?.id ?? "CLS",
      atlases: new Map(),
      views: [],
      shown: [],
      sweeps: page.sweeps.length ? SweepSliders.create(page, state.set, state.get) : null,
      previewed: null,
      pointed: null,
      ended: Lifetime.signal(),
      frame: 0,
      frames,
      asked: 0,
      turned: 0,
    };
    TakeAway.create(page, {
      caption: () => {
        const chosen = state.get();
        const states = app.shown.map((view) => app.pairing.of(app.shown[0], view, chosen));
        return Caption.text(page, app.shown, states, app.shown.map((view) => show(app, view, chosen)), chosen);
      },
      command: () => {
        const chosen = state.get();
        const states = app.shown.map((view) => app.pairing.of(app.shown[0], view, chosen));
        return {
          text: FigureCommand.text(page, app.shown, states, chosen),
          without: FigureCommand.without(chosen),
        };
      },
      panels: () => {
        const chosen = state.get();
        return Figure.panels(app.shown, app.shown.map((view) => show(app, view, chosen)), chosen);
      },
      name: () => {
        const { layer, head, query } = state.get();
        return `${page.slug}-layer-${layer}-head-${head}-${query}.png`;
      },
    });
    app.arrange = StageLayout.create(page);
    for (const link of document.querySelectorAll('a[rel="prev"], a[rel="next"]')) {
      link.addEventListener("click", Kept.leave);
    }
    app.views = page.models.filter((_, i) => usable[i]).map((model) => build(app, model, peek));
    look(app);
    follow(app);
    update(app);
  }

  /**
   * @param {App} app
   * @param {PageModel} model
   * @param {ReturnType<typeof Peek.create>} peek
   * @returns {ModelView}
   */
  function build(app, model, peek) {
    const { page, state } = app;
    const index = page.models.indexOf(model);
    const article = column(index);
    const wall = Dom.find(document, `[data-wall="${index}"]`);
    const atlas = Paint.remembered(Paint.table(page.colors));
    /** @type {ModelView} */
    const view = {
      index,
      model,
      colors: page.colors,
      chunk: null,
      patches: null,
      features: null,
      cut: null,
      problem: "",
      stage: Stages.create(Dom.find(article, "[data-stage]"), page, model, {
        point: (place) => point(app, place),
        pin: (place, second) => pin(app, model, place, second),
        step: (by, second) => step(app, model, by, second),
        enter: (second) => enter(app, model, second),
      }),
      readout: Readouts.create(
        Dom.find(article, "[data-title]"), Dom.find(document, `[data-reading="${index}"]`), page,
      ),
      wall: Walls.create(Dom.find(wall, "[data-cells]"), model, {
        preview: (layer, head) => preview(app, back({ layer, head })),
        endPreview: () => preview(app, null),
        choose: (layer, head, how) => state.set(back({ layer, head }), how),
        clicked: peek.show,
        peers: () => (app.shown.length ? app.shown.map((each) => each.model) : page.models.filter((m) => !m.failure)),
        turn: (by) => (app.frames ? app.frames.step(by) : turn(by)),
        paint,
      }),
    };
    app.atlases.set(view, paint);
    return view;

    function paint() {
      const chosen = state.get();
      if (!view.chunk || view.chunk.header.query !== chosen.query) return null;
      const range = (/** @type {number} */ row, /** @type {number} */ column) =>
        app.ranges.of(view, row, column, chosen);
      return atlas(view.chunk, app.ranges.key(chosen), range, chosen.keep);
    }

    /** @param {{layer: RowLabel, head: HeadLabel}} cell of this model */
    function back(cell) {
      return app.pairing.back(app.shown[0], view, state.get(), cell);
    }
  }

  /** @param {number} index of a model */
  function column(index) {
    return Dom.find(document, `[data-model="${index}"]`);
  }

  /**
   * Load what is chosen, and drop queued loads that are no longer needed. Another frame is shown once
   * all of it is loaded; while it loads, frames in between are shown if they arrive first.
   * @param {App} app
   */
  function follow(app) {
    const { frame, query } = app.state.get();
    const { frames } = app;
    const models = needed(app).map(({ model }) => Chunks.name(model.record, query));
    const wanted = new Set(frames ? frames.wanted(frame, query) : models);
    // features of patches are requested once, and stay needed
    Queue.keep((key) => wanted.has(key) || key.endsWith(`/${Chunks.ALIKE}`));
    if (!frames || frame === frames.shown()) {
      load(app);
      void frames?.ahead();
      return;
    }
    const asked = ++app.asked;
    void frames.load(frame, query).then((whole) => {
      const now = app.state.get();
      const late = asked < app.turned || now.query !== query || now.frame === frames.shown();
      if (!whole || late) return;
      app.turned = asked;
      frames.turn(frame);
      load(app);
      schedule(app);
      if (now.frame === frame) void frames.ahead();
    });
  }

  /**
   * Find the models that have a column.
   * @param {App} app
   */
  function look(app) {
    const chosen = app.state.get();
    app.shown = app.views.filter((view) => Sweeps.shows(app.page, chosen, view.index));
  }

  /**
   * The models whose numbers are needed: those shown, the two that are compared, and all if the
   * scale depends on models that are not shown.
   * @param {App} app
   */
  function needed(app) {
    const { scale, clip, view, a, b } = app.state.get();
    if (scale === "model" || scale === "layer" || (scale === "shared" && clip !== 0.5)) return app.views;
    const two = view === "wall" ? [] : [a, b];
    return app.views.filter((each) => app.shown.includes(each) || two.includes(each.model.slug));
  }

  /**
   * Load what the chosen query needs.
   * @param {App} app
   */
  function load(app) {
    const { query } = app.state.get();
    for (const view of needed(app)) {
      const { record, failure } = view.model;
      if (failure) Object.assign(view, { chunk: null, patches: null, features: null, problem: failure });
      if (query === Chunks.PATCH && !(query in view.model.chunks)) loadFeatures(app, view);
      const url = view.model.chunks[query];
      const held = view.chunk?.header.query === query && view.chunk.header.record === record;
      if (held) view.problem = "";
      if (!url || held) continue;
      const wanted = () => app.state.get().query === query && view.model.record === record;
      /** @param {string} problem */
      const done = (problem) => {
        if (!wanted()) return;
        view.problem = problem;
        schedule(app);
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
          if (error !== Queue.DROPPED) done(error instanceof Error ? error.message : String(error));
        },
      );
    }
  }

  /**
   * Load the features of a model whose patch queries are not kept.
   * @param {App} app
   * @param {ModelView} view
   */
  function loadFeatures(app, view) {
    const { record, alike } = view.model;
    if (!alike) return;
    const done = (/** @type {Partial<ModelView>} */ found) => {
      if (view.model.record !== record) return;
      Object.assign(view, found);
      schedule(app);
    };
    Promise.all([Chunks.loadAlike(record, alike), Later.load("cosine")]).then(
      ([features]) => done({ features, problem: "" }),
      (error) => {
        if (error !== Queue.DROPPED) done({ problem: error instanceof Error ? error.message : String(error) });
      },
    );
  }

  /** @param {App} app */
  function schedule(app) {
    if (!app.frame && !app.ended.aborted) app.frame = requestAnimationFrame(() => update(app));
  }

  /** @param {App} app */
  function update(app) {
    const { page, shown: views, pointed } = app;
    app.frame = 0;
    if (app.ended.aborted) return;
    const chosen = app.state.get();
    const current = { ...chosen, ...app.previewed };
    const place = pointed ?? chosen.place;
    document.body.classList.toggle("embed", chosen.embed);
    document.body.dataset.view = chosen.view;
    app.controls.update(chosen);
    app.frames?.update(chosen);
    if (app.sweeps) {
      app.sweeps.update(chosen);
      app.arrange?.();
    }
    if (chosen.query !== Chunks.PATCH) app.token = chosen.query;
    for (const view of needed(app)) {
      const query = Places.queryPatch(page, view.model, chosen);
      if (!query || !view.patches) continue;
      view.cut ??= PatchQueries.remembered();
      view.chunk = Fuse.withExtremes(view.cut(view.patches, view.model.heads, query));
    }
    const states = views.map((view) => app.pairing.of(views[0], view, current));
    const all = views.map((view) => show(app, view, current));
    const ranges = all.flatMap((shown) => (shown.kind === "map" ? [shown.range] : []));
    const differ = !Ranges.agree(ranges);
    app.controls.showRange(differ ? null : (ranges[0] ?? null), current);
    for (const [i, view] of views.entries()) {
      const shown = all[i];
      view.stage.update(view, current, shown, place);
      view.readout.update(view, states[i], shown, place, differ);
      if (app.numbers.open()) app.numbers.update(view, states[i], shown, app.ranges.off(view, chosen));
      const ring = app.pairing.of(views[0], view, chosen);
      view.wall.update(view, ring, states[i], Words.wallNote(page, view, chosen));
    }
    app.below.update(views, app.views, chosen, place);
    app.original.update(null, chosen, { kind: "loading" }, place);
    app.alike.update(chosen);
    Dom.byId("place", HTMLElement).textContent = Words.place(
      page, place, pointed === null, chosen,
    );
    for (const link of document.querySelectorAll("a[data-carry]")) {
      if (!(link instanceof HTMLAnchorElement)) continue;
      const frame = Number(link.dataset.frame ?? 1);
      link.hash = State.format({ ...chosen, place: null, from: null, alike: null, embed: false, frame }, link.dataset.page);
    }
    app.peek.update();
    if (!document.documentElement.classList.contains("ready")) opened(app);
    document.documentElement.classList.add("ready");
  }

  /**
   * @param {App} app
   * @param {ModelView} view
   * @param {State} state
   */
  function show(app, view, state) {
    const paired = app.pairing.of(app.shown[0] ?? view, view, state);
    return Words.shown(app.page, view, paired, app.ranges);
  }

  /**
   * @param {App} app
   * @param {Place | null} place
   */
  function point(app, place) {
    app.pointed = place;
    schedule(app);
  }

  /**
   * Ask what a patch looks at, in every model; asked twice, go back to the token. With Shift, and
   * where no model can answer, pin the reading instead.
   * @param {App} app
   * @param {PageModel | null} model that was clicked; null for the picture
   * @param {Place} place
   * @param {boolean} second
   */
  function pin(app, model, place, second) {
    const { page, state } = app;
    const chosen = state.get();
    if (!second && page.queries.some((choice) => choice.id === Chunks.PATCH)) {
      const grid = model ?? app.shown[0]?.model;
      const [asked, there] = [State.origin(page, chosen), place].map((at) => at && grid && Places.patchAt(grid, at));
      const again = asked && there && asked.row === there.row && asked.col === there.col;
      if (again) state.set({ query: app.token, from: null }, "push");
      else state.set({ query: Chunks.PATCH, from: Places.rounded(place) }, "walk");
      return;
    }
    const kept = chosen.place;
    const again = kept && Math.hypot(kept.x - place.x, kept.y - place.y) < page.width / 100;
    state.set({ place: again ? null : Places.rounded(place) }, "replace");
  }

  /**
   * @param {App} app
   * @param {PageModel} model
   * @param {boolean} second
   */
  function enter(app, model, second) {
    const state = app.state.get();
    const place = (second ? null : State.origin(app.page, state)) ?? state.place ?? Places.moved(model, null, [0, 0]);
    pin(app, model, place, second);
  }

  /**
   * Move the query's patch, or the pinned place, over a model's grid; without one, to its middle.
   * @param {App} app
   * @param {PageModel} model
   * @param {[number, number]} by rows and columns
   * @param {boolean} second
   */
  function step(app, model, by, second) {
    const state = app.state.get();
    const origin = second ? null : State.origin(app.page, state);
    const there = Places.moved(model, origin ?? state.place, by);
    app.pointed = null;
    app.state.set(origin ? { from: there } : { place: there }, origin ? "walk" : "replace");
  }

  /**
   * @param {App} app
   * @param {{layer: RowLabel, head: HeadLabel} | null} cell
   */
  function preview(app, cell) {
    app.previewed = cell;
    schedule(app);
  }

  /**
   * Once everything has its place: where the reader was on the picture before, or the view that the
   * address names.
   * @param {App} app
   */
  function opened(app) {
    const { view } = app.state.get();
    // once the bar has told how much it covers
    requestAnimationFrame(() => {
      if (!Kept.arrive() && view !== "wall") app.below.reveal();
    });
  }

  /** @param {number} by -1 for the previous image, 1 for the next */
  function turn(by) {
    const link = document.querySelector(`a[rel="${by < 0 ? "prev" : "next"}"]`);
    if (link instanceof HTMLAnchorElement) link.click();
  }

  return { start };
})();

Lifetime.each(Page.start);
