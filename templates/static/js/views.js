"use strict";

// The views below the large maps that replace the walls: the heads of a layer, a head in all layers,
// or two models over one picture.

const Views = (() => {
  /**
   * @param {PageData} page
   * @param {ViewActions} actions
   */
  function create(page, actions) {
    const title = Dom.byId("tiles-title", HTMLElement);
    const order = Dom.byId("order", HTMLSelectElement);
    const [a, b] = [Dom.byId("a", HTMLSelectElement), Dom.byId("b", HTMLSelectElement)];
    const how = Dom.byId("how", HTMLSelectElement);
    const pair = Pair.create(Dom.find(document, ".pair-view"), page, actions);
    for (const select of [a, b]) {
      select.replaceChildren(
        ...page.models.filter((m) => !m.failure).map((m) => new Option(m.label, m.slug)),
      );
    }
    for (const select of [order, a, b, how]) {
      select.addEventListener("change", () => actions.set({ [select.id]: select.value }, "push"));
    }
    /** @type {Map<ModelView, ReturnType<typeof Tiles.create>>} */
    const tiles = new Map();

    /** @param {ModelView} view */
    function tilesOf(view) {
      let found = tiles.get(view);
      if (!found) {
        const root = Dom.find(document, `[data-tiles="${view.index}"]`);
        found = Tiles.create(root, (tile) => actions.choose(tile));
        tiles.set(view, found);
      }
      return found;
    }

    return {
      /**
       * @param {ModelView[]} views that have a column
       * @param {ModelView[]} all of which two may be compared
       * @param {State} state
       * @param {Place | null} place
       */
      update(views, all, state, place) {
        [order.value, how.value] = [state.order, state.how];
        [a.value, b.value] = [state.a, state.b];
        const two = [state.a, state.b].map((slug) => all.find((view) => view.model.slug === slug));
        if (state.view !== "pair") pair.stop();
        if (state.view === "pair" && two[0] && two[1]) {
          const [one, other] = [two[0], two[1]].map((view) => ({ view, shown: actions.show(view, state) }));
          pair.update(one, other, state, place);
        }
        if (state.view !== "heads" && state.view !== "layers") return;
        title.textContent =
          state.view === "heads"
            ? `Heads of ${Words.layer(state.layer)}`
            : `${Words.sentence(Words.head(state.head))}, through the layers`;
        const apart = two[0] && two[1] ? distances(page, two[0], two[1], state, actions.show) : [];
        const names = two.map((view) => view?.model.label).join(" and ");
        Dom.byId("order-says", HTMLElement).textContent = apart.length
          ? `Below the maps of ${names}: Jensen-Shannon divergence between the two, in bits.`
          : "";
        for (const view of views) {
          const cells = list(page, view, state, apart, two.includes(view), actions.show);
          const there = cells.filter((tile) => tile.at || view.model.cut);
          tilesOf(view).update(view, there, actions.paint(view));
          const none = Dom.find(document, `[data-tile-column="${view.index}"] .tiles-none`);
          none.hidden = there.length > 0;
          none.textContent = none.hidden ? "" : reason(view, state, actions.show);
        }
      },
    };
  }

  /**
   * The states that the tiles of a view show, in order of number.
   * @param {PageData} page
   * @param {State} state
   */
  function steps(page, state) {
    return state.view === "heads"
      ? State.heads(page).map((head) => ({ ...state, head }))
      : State.layers(page).map((layer) => ({ ...state, layer }));
  }

  /**
   * The divergence of two models in each step; null if one of them has no map.
   * @param {PageData} page
   * @param {ModelView} one
   * @param {ModelView} two
   * @param {State} state
   * @param {(view: ModelView, state: State) => Shown} show
   */
  function distances(page, one, two, state, show) {
    if (one === two) return [];
    return steps(page, state).map((step) => {
      const maps = Maps.pair({ view: one, shown: show(one, step) }, { view: two, shown: show(two, step) });
      return maps ? Compare.divergence(maps.a, maps.b) : null;
    });
  }

  /**
   * @param {PageData} page
   * @param {ModelView} view
   * @param {State} state
   * @param {(number | null)[]} apart of the two models that are compared
   * @param {boolean} compared whether the model is one of the two
   * @param {(view: ModelView, state: State) => Shown} show
   * @returns {Tile[]}
   */
  function list(page, view, state, apart, compared, show) {
    const found = steps(page, state).map((step, i) => {
      const shown = show(view, step);
      const own = shown.kind === "map" ? view.chunk?.header.rows[shown.row] : null;
      const label = state.view === "heads" ? step.head : (own ?? step.layer);
      const bits = apart[i];
      return {
        at: shown.kind === "map" ? { row: shown.row, column: shown.column } : null,
        layer: step.layer,
        head: step.head,
        label: bits == null || !compared ? label : `${label} · ${Numbers.number(bits)}`,
        of: tileName(view.model, state, { ...step, layer: own ?? step.layer }),
        chosen: step.layer === state.layer && step.head === state.head,
        apart: bits ?? -1,
      };
    });
    if (state.view === "layers" && state.pairLayers === "depth") {
      // a shallow model has fewer layers than there are depths
      const own = found.filter((tile, i) => tile.at?.row !== found[i + 1]?.at?.row);
      return sorted(own, state);
    }
    return sorted(found, state);
  }

  /**
   * What stands before the number of a tile, for those who do not see where it is.
   * @param {PageModel} model
   * @param {State} state
   * @param {{layer: RowLabel, head: string}} step
   */
  function tileName(model, state, { layer, head }) {
    if (state.view === "heads") return `${Words.layerOf(model, layer)}, head`;
    return [Words.head(head), Words.windows(model, layer), "layer"].filter(Boolean).join(", ");
  }

  /**
   * @param {Tile[]} found
   * @param {State} state
   */
  function sorted(found, state) {
    return state.order === "different" ? found.sort((x, y) => y.apart - x.apart) : found;
  }

  /**
   * Why a model has no tiles, in one sentence.
   * @param {ModelView} view
   * @param {State} state
   * @param {(view: ModelView, state: State) => Shown} show
   */
  function reason(view, state, show) {
    const shown = show(view, state);
    if (shown.kind === "absent" || shown.kind === "failed") return shown.reason;
    return shown.kind === "loading" ? "Loading…" : "Patch queries were not kept for this model.";
  }

  return { create };
})();
