"use strict";

// More numbers of the maps that are shown, in the fold below the walls: where attention goes that is
// not on patches, statistics of heads, and what is off the scale.

const MapNumbers = (() => {
  /** The least share that has a pixel of the bar. */
  const SMALLEST_PART = 1 / 400;

  /** @param {HTMLElement} root */
  function create(root) {
    const note = Dom.make("p", { class: "detail" });
    const mass = Dom.make("div", { class: "mass" });
    const kept = Dom.make("p", { class: "kept" });
    const norms = Dom.make("p", { class: "norms" });
    const notes = Dom.make("p", { class: "readout-notes" });
    root.append(note, mass, kept, norms, notes);

    return {
      /**
       * @param {ModelView} view
       * @param {State} state what the model shows
       * @param {Shown} shown
       * @param {ModelOffScale} off
       */
      update(view, state, shown, off) {
        const map = shown.kind === "map" && view.chunk ? shown : null;
        note.hidden = mass.hidden = norms.hidden = notes.hidden = !map;
        kept.hidden = !map || state.keep >= 100;
        if (!map || !view.chunk) return;
        note.textContent = meanText(view.model);
        if (!kept.hidden) kept.textContent = keptText(view, view.chunk, map, state.keep);
        showMass(mass, view.chunk, map.row, map.column);
        norms.textContent = normsText(view, view.chunk, map.row, state.layer);
        notes.replaceChildren(...noteLines(view, view.chunk, map, off));
      },
    };
  }

  /** @param {PageModel} model */
  function meanText(model) {
    const many = Words.patchesIn(model);
    if (many <= 1) return "";
    return (
      `Each value is the mean of ${Numbers.number(many, 2)} patches: shown on ${grid(model.grid)}, ` +
      `measured on ${grid(model.measured)}.`
    );
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
    const least = of.of ? ` Minima over heads: ${Numbers.percent(of.below / of.of)} below.` : "";
    const unit = Words.unit(model, above);
    const lines = [
      `Outside the scale here: ${Numbers.count(above)} ${unit} above, ${Numbers.count(below)} of ${Numbers.count(codes.length)} below. ` +
        `All maps: ${Numbers.percent(all.above / all.of)} above, ${Numbers.percent(all.below / all.of)} below.${least}`,
    ];
    const fused = column > chunk.header.heads;
    if (!fused && row < chunk.header.statistics.entropy.length) {
      const { entropy, distance } = chunk.header.statistics;
      const pick = (/** @type {number[][]} */ table) =>
        column < table[row].length
          ? table[row][column]
          : table[row].reduce((sum, value) => sum + value, 0) / table[row].length;
      lines.push(
        `Mean entropy ${Numbers.number(pick(entropy))} of 1. Mean attention distance ` +
          `${Numbers.number(pick(distance))} px (attention to CLS and registers counted as 0).`,
      );
    }
    return lines.map((line) => Dom.make("span", {}, [line]));
  }

  return { create };
})();
