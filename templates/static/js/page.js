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
   * @property {ReturnType<typeof Asking.create>} asking
   * @property {ReturnType<typeof Loader.create>} loader
   * @property {Map<ModelView, () => HTMLCanvasElement | null>} atlases
   * @property {ModelView[]} views models that can be shown on this page
   * @property {ModelView[]} shown those that have a column: for a sweep, the chosen step
   * @property {ReturnType<typeof SweepSliders.create> | null} sweeps their sliders
   * @property {{layer: RowLabel, head: HeadLabel} | null} previewed under the pointer in a wall
   * @property {Place | null} pointed under the pointer in a picture
   * @property {AbortSignal} ended aborted when another page replaces this one
   * @property {number} frame the animation frame asked for; 0 when none is
   * @property {ReturnType<typeof Frames.create> | null} frames of a sequence
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
      app.loader.follow();
      schedule(app);
      if (!app.frames?.playing()) announcer.soon();
    });
    const needs = () => app.loader.needed().map(({ index }) => index);
    const frames = page.frames.length ? Frames.create(page, state, needs) : null;
    frames?.turn(state.get().frame);
    /** @type {App} */
    const app = {
      page,
      state,
      controls: Controls.create(page, state.set, state.get),
      original: Stages.create(Dom.find(document, '[data-stage="picture"]'), page, null, {
        point: (place) => point(app, place),
        pin: (place, second) => app.asking.pin(null, place, second),
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
          pin: (place, second) => app.asking.pin(null, place, second),
          show: (view, wanted) => show(app, view, wanted),
          paint: (view) => app.atlases.get(view)?.() ?? null,
        },
        () => schedule(app),
      ),
      peek,
      alike: AlikeChoice.create(page, (alike) => state.set({ alike }, "walk")),
      numbers: NumbersChoice.create(() => schedule(app)),
      arrange: null,
      asking: Asking.create(page, state, () => app.shown[0]?.model),
      loader: Loader.create({
        get: state.get,
        views: () => app.views,
        shown: () => app.shown,
        frames,
        changed: () => schedule(app),
      }),
      atlases: new Map(),
      views: [],
      shown: [],
      sweeps: page.sweeps.length ? SweepSliders.create(page, state.set, state.get) : null,
      previewed: null,
      pointed: null,
      ended: Lifetime.signal(),
      frame: 0,
      frames,
    };
    takeAway(app);
    app.arrange = StageLayout.create(page);
    for (const link of document.querySelectorAll('a[rel="prev"], a[rel="next"]')) {
      link.addEventListener("click", Kept.leave);
    }
    app.views = page.models.filter((_, i) => usable[i]).map((model) => build(app, model, peek));
    look(app);
    app.loader.follow();
    update(app);
  }

  /**
   * What the buttons that export take from the view.
   * @param {App} app
   */
  function takeAway(app) {
    const { page, state, pairing } = app;
    const paired = (/** @type {State} */ chosen) =>
      app.shown.map((view) => pairing.of(app.shown[0], view, chosen));
    const maps = (/** @type {State} */ chosen) => app.shown.map((view) => show(app, view, chosen));
    TakeAway.create(page, {
      caption: () => {
        const chosen = state.get();
        return Caption.text(page, app.shown, paired(chosen), maps(chosen), chosen);
      },
      command: () => {
        const chosen = state.get();
        return {
          text: FigureCommand.text(page, app.shown, paired(chosen), chosen),
          without: FigureCommand.without(chosen),
        };
      },
      panels: () => {
        const chosen = state.get();
        return Figure.panels(app.shown, maps(chosen), chosen);
      },
      name: () => {
        const { layer, head, query } = state.get();
        return `${page.slug}-layer-${layer}-head-${head}-${query}.png`;
      },
    });
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
        pin: (place, second) => app.asking.pin(model, place, second),
        step: (by, second) => {
          app.pointed = null;
          app.asking.step(model, by, second);
        },
        enter: (second) => app.asking.enter(model, second),
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
        again: () => schedule(app),
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
   * Find the models that have a column.
   * @param {App} app
   */
  function look(app) {
    const chosen = app.state.get();
    app.shown = app.views.filter((view) => Sweeps.shows(app.page, chosen, view.index));
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
    app.asking.remember();
    for (const view of app.loader.needed()) {
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
    const readings = Readouts.rows(views, all, place);
    for (const [i, view] of views.entries()) {
      const shown = all[i];
      view.stage.update(view, current, shown, place);
      view.readout.update(view, states[i], shown, readings[i], differ);
      if (app.numbers.open()) app.numbers.update(view, states[i], shown, app.ranges.off(view, chosen));
      const ring = app.pairing.of(views[0], view, chosen);
      view.wall.update(view, ring, states[i], Words.wallNote(page, view, chosen));
    }
    app.below.update(views, app.views, chosen, place);
    app.original.update(null, chosen, { kind: "loading" }, place);
    app.alike.update(chosen);
    Dom.byId("place", HTMLElement).textContent = Words.place(page, place, pointed === null, chosen);
    Dom.byId("reading-of", HTMLElement).textContent = Words.readingOf(all, place, pointed === null);
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
