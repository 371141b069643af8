"use strict";

// Which layer and head of each model is paired with the chosen ones. Layers are paired by number or
// relative depth; heads have no correspondence: they are paired by number, rank, or best match.

const Pairing = (() => {
  /**
   * The layer at the same relative depth.
   * @param {number} layer from 1
   * @param {number} of layers there
   * @param {number} layers here
   */
  function atDepth(layer, of, layers) {
    return Math.max(1, Math.round((layer / of) * layers));
  }

  /**
   * The index with the same rank by a statistic, highest first; ties by number.
   * @param {number} index
   * @param {number[]} there
   * @param {number[]} here
   */
  function sameRank(index, there, here) {
    const rank = order(there).indexOf(index);
    const last = [there.length - 1, here.length - 1];
    const scaled = last[0] > 0 ? Math.round((rank / last[0]) * last[1]) : 0;
    return order(here)[last[0] === last[1] ? rank : scaled];
  }

  /** @param {number[]} values */
  function order(values) {
    return values.map((_, i) => i).sort((a, b) => values[b] - values[a] || a - b);
  }

  /**
   * A layer's statistic for each head; null if it is not known.
   * @param {Chunk} chunk
   * @param {number} row
   * @param {PairHeads} by
   */
  function statistic(chunk, row, by) {
    const { header } = chunk;
    if (by === "mass") {
      const rows = header.mass[row].slice(0, header.heads);
      const off = rows.map((shares) => (shares.at(-1) == null ? null : 1 - Number(shares.at(-1))));
      return off.every((share) => share !== null) ? /** @type {number[]} */ (off) : null;
    }
    const table = by === "entropy" ? header.statistics?.entropy : header.statistics?.distance;
    return table?.[row] ?? null;
  }

  /**
   * The head of another model whose map has the smallest Jensen-Shannon divergence.
   * @param {ModelView} from
   * @param {number} row
   * @param {number} head index
   * @param {ModelView} to
   * @param {number} toRow
   */
  function bestMatch(from, row, head, to, toRow) {
    if (!from.chunk || !to.chunk || from.chunk.header.maxima[row][head] == null) return null;
    const wanted = Maps.values(from.chunk, row, head);
    let best = -1;
    let least = Infinity;
    for (let i = 0; i < to.chunk.header.heads; i += 1) {
      if (to.chunk.header.maxima[toRow][i] === null) continue;
      const { a, b } = Compare.common(wanted, from.model, Maps.values(to.chunk, toRow, i), to.model);
      const apart = Compare.divergence(a, b);
      if (apart < least) [best, least] = [i, apart];
    }
    return best < 0 ? null : best;
  }

  /**
   * @param {PageData} page
   * @param {() => void} ready called once heads can be matched
   */
  function create(page, ready) {
    let asked = false;
    let matching = false;
    /** @type {WeakMap<Chunk, Map<string, number | null>>} */
    const matches = new WeakMap();

    /**
     * @param {ModelView} reference
     * @param {ModelView} view
     * @param {State} state
     * @param {RowLabel} layer of the view
     * @returns {HeadLabel}
     */
    function headOf(reference, view, state, layer) {
      const by = state.pairHeads;
      if (by === "number" || view === reference || !Number(state.head)) return state.head;
      if (!reference.chunk || !view.chunk) return state.head;
      const row = reference.chunk.header.rows.indexOf(layerOf(reference, state));
      const toRow = view.chunk.header.rows.indexOf(layer);
      const head = Number(state.head) - 1;
      if (row < 0 || toRow < 0 || head >= reference.chunk.header.heads) return state.head;
      if (by === "match" && !matching) {
        match();
        return state.head;
      }
      if (by === "match") {
        const known = matches.get(view.chunk) ?? new Map();
        matches.set(view.chunk, known);
        const key = `${reference.chunk.header.record} ${reference.chunk.self?.row},${reference.chunk.self?.col} ${row} ${head} ${toRow}`;
        if (!known.has(key)) known.set(key, bestMatch(reference, row, head, view, toRow));
        const found = known.get(key) ?? null;
        return found === null ? state.head : String(found + 1);
      }
      const [there, here] = [statistic(reference.chunk, row, by), statistic(view.chunk, toRow, by)];
      return there && here ? String(sameRank(head, there, here) + 1) : state.head;
    }

    /** Load the scripts that compare maps; until then, heads are paired by number. */
    function match() {
      if (asked) return;
      asked = true;
      Later.load("match").then(
        () => {
          matching = true;
          ready();
        },
        () => {
          asked = false;
        },
      );
    }

    /**
     * @param {ModelView} view
     * @param {State} state
     * @returns {RowLabel}
     */
    function layerOf(view, state) {
      if (state.pairLayers === "number" || state.layer === "pool") return state.layer;
      return String(atDepth(Number(state.layer), page.layers, view.model.layers));
    }

    /**
     * The state with the layer and head of one model.
     * @param {ModelView} reference
     * @param {ModelView} view
     * @param {State} state
     * @returns {State}
     */
    function of(reference, view, state) {
      const layer = layerOf(view, state);
      return { ...state, layer, head: headOf(reference, view, state, layer) };
    }

    /**
     * The state in which a model shows this layer and head.
     * @param {ModelView} reference
     * @param {ModelView} view
     * @param {State} state
     * @param {{layer: RowLabel, head: HeadLabel}} cell
     */
    function back(reference, view, state, cell) {
      const byNumber = state.pairLayers === "number" || cell.layer === "pool";
      const layer = byNumber
        ? cell.layer
        : String(atDepth(Number(cell.layer), view.model.layers, page.layers));
      const head =
        State.heads(page).find(
          (each) => of(reference, view, { ...state, layer, head: each }).head === cell.head,
        ) ?? cell.head;
      return { layer, head };
    }

    return { of, back };
  }

  return { create, atDepth };
})();
