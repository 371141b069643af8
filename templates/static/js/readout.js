"use strict";

// The numbers beside a map: its name, the value under the pointer, the shares of attention outside of
// patches, and two statistics.

const Readouts = (() => {
  /** The smallest share that is drawn in the bar. */
  const SMALLEST_PART = 1 / 400;

  /**
   * @param {HTMLElement} root
   * @param {HTMLElement} notes below the wall
   * @param {PageData} page
   * @returns {Readout}
   */
  function create(root, notes, page) {
    const title = Dom.make("p", { class: "readout-title" });
    const badge = Dom.make("span", { class: "badge", hidden: "" });
    const value = Dom.make("p", { class: "readout-value" });
    const mass = Dom.make("div", { class: "mass" });
    const bar = ColorBars.like(Dom.find(document, ".shared-bar"));
    const kept = Dom.make("p", { class: "kept", hidden: "" });
    const norms = Dom.make("p", { class: "norms" });
    root.append(title, value, bar, kept, mass, norms);

    return {
      update(view, state, shown, place, differ, off) {
        title.replaceChildren(
          Words.sentence(`${Words.layer(state.layer)}, ${Words.head(state.head)}`),
        );
        const note = Words.note(page, view.model, state);
        if (note) title.append(Dom.make("span", { class: "readout-query" }, [note]));
        title.append(badge);
        badge.hidden = bar.hidden = !differ || shown.kind !== "map";
        badge.textContent = "scale differs";
        value.replaceChildren(...valueText(view, shown, place));
        const map = shown.kind === "map" && view.chunk ? shown : null;
        mass.hidden = norms.hidden = notes.hidden = !map;
        kept.hidden = !map || state.keep >= 100;
        if (!map || !view.chunk) return;
        const { range } = map;
        if (differ) ColorBars.update(bar, range);
        if (!kept.hidden) kept.textContent = keptText(view, view.chunk, map, state.keep);
        showMass(mass, view.chunk, map.row, map.column);
        norms.textContent = normsText(view, view.chunk, map.row, state.layer);
        notes.replaceChildren(...noteLines(view, view.chunk, map, off));
      },
    };
  }

  /**
   * @param {ModelView} view
   * @param {Shown} shown
   * @param {Place | null} place
   * @returns {(Node | string)[]}
   */
  function valueText(view, shown, place) {
    if (shown.kind === "loading") return ["Loading…"];
    if (shown.kind !== "map" || !view.chunk) return [];
    const patch = place ? Places.patchAt(view.model, place) : null;
    if (place && !patch) return ["Outside of what this model saw."];
    const at = patch ?? Places.strongest(view.chunk, shown.row, shown.column);
    const times = Places.value(view.chunk, shown.row, shown.column, at);
    const { self } = view.chunk;
    const own = self && self.row === at.row && self.col === at.col;
    const fused = shown.column > view.chunk.header.heads;
    const rank = Places.rank(view.chunk, shown.row, shown.column, at);
    const [rows, cols] = view.chunk.header.grid;
    const many = Words.patchesIn(view.model);
    const share = (many * times) / view.chunk.header.keys[shown.row];
    const norm = Norms.after(view.chunk, shown.row)[at.row * cols + at.col];
    return [
      Dom.make("span", {}, [
        Dom.make("strong", {}, [`${Numbers.number(times)} ×`]),
        " uniform",
      ]),
      ...(fused
        ? [
            Dom.make("span", { class: "within" }, [
              `to within ${Numbers.rough(Fuse.error(view.chunk.header, shown.row, shown.column, times))}`,
            ]),
          ]
        : []),
      Dom.make("span", { class: "share" }, [
        `${Numbers.percent(share)} of ${fused ? "a head's" : "the"} ${quantity(view.chunk)}`,
      ]),
      Dom.make("span", { class: "rank" }, [`rank ${Numbers.count(rank)} of ${Numbers.count(rows * cols)}`]),
      Dom.make("span", { class: "where" }, [
        `${patch ? "" : "strongest: "}row ${at.row + 1}, col ${at.col + 1}${own ? " (the query itself)" : ""}`,
      ]),
      ...(many > 1
        ? [
            Dom.make("span", { class: "mean-of" }, [
              `mean of ${Numbers.number(many, 2)} patches: shown on ${grid(view.model.grid)}, ` +
                `measured on ${grid(view.model.measured)}`,
            ]),
          ]
        : []),
      ...(norm === undefined
        ? []
        : [Dom.make("span", { class: "norm" }, [`norm ${many > 1 ? "up to " : ""}${Numbers.number(Norms.times(norm), 2)} × the median`])]),
    ];
  }

  /**
   * The whole that shares refer to.
   * @param {Chunk} chunk
   */
  function quantity(chunk) {
    return chunk.header.query === Words.VALUES ? "value-weighted attention" : "attention";
  }

  /** @param {[number, number]} sides rows and columns */
  function grid([rows, cols]) {
    return `${rows} × ${cols}`;
  }

  /**
   * @param {ModelView} view
   * @param {Chunk} chunk
   * @param {number} row
   * @param {RowLabel} layer
   */
  function normsText({ model }, chunk, row, layer) {
    const codes = Norms.after(chunk, row);
    if (!codes.length) return "";
    const count = Norms.outliers(codes).reduce((sum, one) => sum + one, 0);
    if (Words.patchesIn(model) > 1) {
      return `${count} of ${codes.length} cells hold${count === 1 ? "s" : ""} outlier patches in ${Words.layer(layer)}`;
    }
    return `${count} outlier patch${count === 1 ? "" : "es"} in ${Words.layer(layer)}`;
  }

  /**
   * @param {ModelView} view
   * @param {Chunk} chunk
   * @param {{row: number, column: number}} map
   * @param {number} percent
   */
  function keptText({ model }, chunk, { row, column }, percent) {
    const mask = Threshold.mask(Paint.mapCodes(chunk, row, column), percent);
    const kept = mask.reduce((sum, keep) => sum + keep, 0);
    return `${percent}\u00a0% of the mass on patches: ${Numbers.count(kept)} of ${Numbers.count(mask.length)} ${Words.unit(model)}`;
  }

  /**
   * @param {HTMLElement} root
   * @param {Chunk} chunk
   * @param {number} row
   * @param {number} column
   */
  function showMass(root, chunk, row, column) {
    const { groups, mass } = chunk.header;
    const shares = mass[row][column].map((share) => share ?? 0);
    if (!shares.length) {
      root.replaceChildren("A maximum over heads is not a distribution: it has no shares.");
      return;
    }
    const bar = Dom.make("div", { class: "mass-bar", "aria-hidden": "true" });
    const list = Dom.make("ul", { class: "mass-list", "aria-label": `Where the ${quantity(chunk)} goes` });
    groups.forEach((name, i) => {
      const kind = name === "patches" ? "patches" : name.startsWith("reg") ? "register" : "token";
      const segment = Dom.make("span", { class: `mass-${kind}` });
      segment.style.flexGrow = String(shares[i]);
      // a part too small to be visible would still have its gap
      if (shares[i] > SMALLEST_PART) bar.append(segment);
      const swatch = Dom.make("span", { class: `swatch mass-${kind}`, "aria-hidden": "true" });
      list.append(Dom.make("li", {}, [swatch, `${name} `, Dom.make("b", {}, [Numbers.percent(shares[i])])]));
    });
    root.replaceChildren(bar, list);
    if (column === chunk.header.heads + 2) root.append(minimumText(shares));
  }

  /** @param {number[]} shares of a minimum over heads */
  function minimumText(shares) {
    const sum = shares.reduce((all, share) => all + share, 0);
    return Dom.make("p", { class: "mass-note" }, [
      `A minimum over heads is not a distribution: it sums to about ${Numbers.percent(sum)}, what every head gives at least.`,
    ]);
  }

  /**
   * @param {ModelView} view
   * @param {Chunk} chunk
   * @param {{row: number, column: number, range: ScaleRange}} map
   * @param {ModelOffScale} all of all maps of the model
   */
  function noteLines({ model }, chunk, { row, column, range }, all) {
    const codes = Paint.mapCodes(chunk, row, column);
    const maximum = chunk.header.maxima[row][column] ?? 0;
    const { above, below } = Marks.off(codes, maximum, range);
    const { least: of } = all;
    const least = of.of ? `; in the minima over heads ${Numbers.percent(of.below / of.of)} below` : "";
    const lines = [
      `Off the scale: ${Numbers.count(above)} above, ${Numbers.count(below)} below, of ${Numbers.count(codes.length)} ${Words.unit(model)}; ` +
        `in all maps ${Numbers.percent(all.above / all.of)} above, ${Numbers.percent(all.below / all.of)} below${least}.`,
    ];
    const fused = column > chunk.header.heads;
    if (!fused && row < chunk.header.statistics.entropy.length) {
      const { entropy, distance } = chunk.header.statistics;
      const pick = (/** @type {number[][]} */ table) =>
        column < table[row].length
          ? table[row][column]
          : table[row].reduce((sum, value) => sum + value, 0) / table[row].length;
      lines.push(
        `Over all queries: entropy ${Numbers.number(pick(entropy))} of 1. Over patches as queries: mean distance ` +
          `${Numbers.number(pick(distance))} px, where attention to other tokens counts 0.`,
      );
    }
    return lines.map((line) => Dom.make("span", {}, [line]));
  }

  return { create };
})();
