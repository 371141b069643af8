"use strict";

// Names of layers, heads and queries, and reasons for missing maps.

const Words = (() => {
  /** The query whose attention is weighted by value norms. */
  const VALUES = "values";

  /** @param {RowLabel} layer */
  function layer(layer) {
    return layer === "pool" ? "pooling probe" : `layer ${layer}`;
  }

  /**
   * Whether a layer attends within windows, in words; empty if it attends to the whole picture.
   * @param {PageModel} model
   * @param {RowLabel} layer
   */
  function windows(model, layer) {
    return model.windowed.includes(layer) ? `within windows of ${model.window} × ${model.window} patches` : "";
  }

  /**
   * A layer of one model, with its windows.
   * @param {PageModel} model
   * @param {RowLabel} label
   */
  function layerOf(model, label) {
    return [layer(label), windows(model, label)].filter(Boolean).join(", ");
  }

  /** @param {HeadLabel} head */
  function head(head) {
    return head === "mean" || head === "max" || head === "min" ? `${head} over heads` : `head ${head}`;
  }

  /**
   * @param {PageData} page
   * @param {string} query
   */
  function query(page, query) {
    return page.queries.find((choice) => choice.id === query)?.label ?? query;
  }

  /** @param {string} text */
  function sentence(text) {
    return text.charAt(0).toUpperCase() + text.slice(1);
  }

  /**
   * @param {PageData} page
   * @param {Place | null} place
   * @param {boolean} kept
   * @param {State} state
   */
  function place(page, place, kept, state) {
    const click = window.matchMedia("(hover: none)").matches ? "Tap" : "Click";
    const asks = page.queries.some((choice) => choice.id === Chunks.PATCH);
    const again = state.query === Chunks.PATCH ? ` ${click} it again to go back.` : "";
    const hover = click === "Tap" ? "" : " Hover to read values; Shift-click to pin a patch.";
    const pins = click === "Tap" ? "Tap to pin a patch." : "Hover to read values. Click to pin a patch.";
    if (!place) return asks ? `${click} a patch to see what it looks at.${again}${hover}` : pins;
    const at = `x ${place.x.toFixed(0)}, y ${place.y.toFixed(0)}`;
    return `${at} of ${page.width} × ${page.height} pixels${kept ? " (pinned)" : ""}`;
  }

  /**
   * Where the values of the table are read.
   * @param {Shown[]} all
   * @param {Place | null} place
   * @param {boolean} kept
   */
  function readingOf(all, place, kept) {
    if (place) return `Values at the ${kept ? "pinned patch" : "patch under the pointer"}`;
    return all.some((shown) => shown.kind === "cosine")
      ? "Values at the most similar patch of each map"
      : "Values at the strongest patch of each map";
  }

  /**
   * The query of a model, if it differs from the chosen one.
   * @param {PageData} page
   * @param {PageModel} model
   * @param {State} state
   */
  function note(page, model, state) {
    if (state.layer === "pool") return "attention of the pooling probe";
    if (state.query === Chunks.PATCH) {
      const patch = Places.queryPatch(page, model, state);
      return patch ? `query: the patch in row ${patch.row + 1}, col ${patch.col + 1}` : "";
    }
    const weighted = state.query === VALUES ? "attention times the norm of what each key gives, as shares of 1" : "";
    if (!["CLS", VALUES].includes(state.query) || model.token === "CLS") return weighted;
    const own =
      model.token === "received" ? "mean received attention (this model has no CLS token)" : `query ${model.token}`;
    return [own, weighted].filter(Boolean).join("; ");
  }

  /**
   * The query of a model in a few words, where it is not a token or patch of the bar of controls.
   * @param {PageModel} model
   * @param {State} state
   */
  function briefNote(model, state) {
    if (state.layer === "pool" || !["CLS", VALUES].includes(state.query) || model.token === "CLS") return "";
    return model.token === "received" ? "received attention" : `query ${model.token}`;
  }

  /**
   * Why a model has no maps for the chosen query; empty if it has.
   * @param {PageData} page
   * @param {PageModel} model
   * @param {State} state
   */
  function lacking(page, model, state) {
    if (state.query in model.chunks || (state.query === Chunks.PATCH && model.alike)) {
      const outside = State.origin(page, state) && !Places.queryPatch(page, model, state);
      return outside ? "The chosen patch is outside of what this model saw." : "";
    }
    if (state.query === Chunks.PATCH) return "Patch queries were not kept for this model.";
    if (state.query === VALUES) return "Norms of value vectors were not measured for this model.";
    return `This model has no ${query(page, state.query).replace(/ token$/, "")}.`;
  }

  /**
   * The column of a head in a chunk: heads, then their mean, maximum and minimum.
   * @param {Chunk} chunk
   * @param {HeadLabel} head
   */
  function columnOf(chunk, head) {
    if (head === "mean") return chunk.header.heads;
    if (head === "max") return chunk.header.heads + 1;
    return head === "min" ? chunk.header.heads + 2 : Number(head) - 1;
  }

  /**
   * How layers and heads of the models are paired.
   * @param {PageData} page
   * @param {State} state
   */
  function pairing(page, state) {
    if (page.models.filter((model) => !model.failure).length < 2) return "";
    const first = page.models.find((model) => !model.failure)?.label ?? "the first model";
    const layers =
      state.pairLayers === "number" ? "Layers are matched by number." : "Layers are matched by relative depth.";
    const rank = `Heads are matched with those of ${first} by rank in`;
    const heads = {
      number: "Heads are matched by number. Head 3 of one model has no relation to head 3 of another.",
      entropy: `${rank} entropy.`,
      distance: `${rank} mean attention distance.`,
      mass: `${rank} attention on CLS and registers.`,
      match: `Each head of ${first} is matched with the head of the same layer with the least Jensen-Shannon divergence.`,
    };
    return `${layers} ${heads[state.pairHeads]}`;
  }

  /**
   * The note in a wall that is empty or partly empty.
   * @param {PageData} page
   * @param {ModelView} view
   * @param {State} state
   */
  function wallNote(page, view, state) {
    const meanOnly = view.patches && view.patches.header.heads === 0;
    const note = meanOnly ? "Mean over heads only." : "";
    const kept = Chunks.PATCH in view.model.chunks ? note : "Patch queries were not kept for this model.";
    return lacking(page, view.model, state) || (state.query === Chunks.PATCH ? kept : "");
  }

  /**
   * The map that a model shows for a state. Not applicable, missing and zero differ.
   * @param {PageData} page
   * @param {ModelView} view
   * @param {State} state
   * @param {ReturnType<typeof Ranges.create>} ranges
   * @returns {Shown}
   */
  function shown(page, view, state, ranges) {
    const { model, chunk } = view;
    if (model.failure) return { kind: "failed", reason: model.failure };
    const without = lacking(page, model, state);
    if (without) return { kind: "absent", reason: without };
    if (state.query === Chunks.PATCH && !(Chunks.PATCH in model.chunks)) return cosine(page, view, state);
    if (!model.rows.includes(state.layer)) {
      const has = state.layer === "pool" ? "no pooling probe" : `${model.layers} layers`;
      return { kind: "absent", reason: `This model has ${has}.` };
    }
    if (state.head !== "mean" && Number(state.head) > model.heads) {
      return { kind: "absent", reason: `This model has ${model.heads} heads.` };
    }
    if (view.problem) return { kind: "failed", reason: view.problem };
    if (!chunk || chunk.header.query !== state.query) return { kind: "loading" };
    const row = chunk.header.rows.indexOf(state.layer);
    if (row < 0) return { kind: "absent", reason: "The pooling probe is a query of its own." };
    const column = columnOf(chunk, state.head);
    if (chunk.header.maxima[row][column] === null) {
      if (chunk.self) return { kind: "absent", reason: "For patches: mean over heads only." };
      if (isCut(model, state.layer, state.head)) return { kind: "absent", reason: model.cut };
      return { kind: "absent", reason: `The ${layer(state.layer)} has no ${head(state.head)}.` };
    }
    return { kind: "map", row, column, range: ranges.of(view, row, column, state) };
  }

  /**
   * What is like the patch that is the query, for a model whose patch queries are not kept.
   * @param {PageData} page
   * @param {ModelView} view
   * @param {State} state
   * @returns {Shown}
   */
  function cosine(page, { model, features, problem }, state) {
    if (problem) return { kind: "failed", reason: problem };
    const origin = State.origin(page, state);
    const own = origin && Places.patchAt(Places.measured(model), origin);
    if (features?.record !== model.record || !own) return { kind: "loading" };
    const values = Cosines.of(features, own.row * model.measured[1] + own.col);
    return { kind: "cosine", values, own, error: features.error[0] };
  }

  /**
   * Whether the model has a head whose map is missing from the site.
   * @param {PageModel} model
   * @param {RowLabel} layer
   * @param {HeadLabel} head
   */
  function isCut(model, layer, head) {
    return model.cut !== "" && layer !== "pool" && head !== "mean";
  }

  /**
   * Number of patches averaged in one value of a map; 1 if each has its own.
   * @param {PageModel} model
   */
  function patchesIn(model) {
    const [[rows, cols], [shownRows, shownCols]] = [model.measured, model.grid];
    return (rows * cols) / (shownRows * shownCols);
  }

  /**
   * What one value of a map represents.
   * @param {PageModel} model
   * @param {number} [count]
   */
  function unit(model, count = 2) {
    if (patchesIn(model) > 1) return count === 1 ? "cell" : "cells";
    return count === 1 ? "patch" : "patches";
  }

  return { VALUES, isCut, patchesIn, unit, columnOf, layer, layerOf, windows, head, query, sentence, place, readingOf, note, briefNote, pairing, wallNote, shown };
})();
