"use strict";

// The numbers beside a map: what it is, the value under the pointer, where the attention goes that
// is not on patches, and two statistics.

const Readouts = (() => {
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
    const bar = ColourBars.like(Dom.find(document, ".shared-bar"));
    const kept = Dom.make("p", { class: "kept", hidden: "" });
    root.append(title, value, bar, kept, mass);

    return {
      update(view, state, shown, place, differ) {
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
        mass.hidden = notes.hidden = !map;
        kept.hidden = !map || state.keep >= 100;
        if (!map || !view.chunk) return;
        const { range } = map;
        if (differ) ColourBars.update(bar, range);
        if (!kept.hidden) kept.textContent = keptText(view.chunk, map.row, map.column, state.keep);
        showMass(mass, view.chunk, map.row, map.column);
        notes.replaceChildren(...noteLines(view.chunk, map.row, map.column, range));
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
    const share = times / view.chunk.header.keys[shown.row];
    return [
      Dom.make("span", {}, [
        Dom.make("strong", {}, [`${Numbers.times(times)} ×`]),
        " uniform",
      ]),
      Dom.make("span", { class: "share" }, [
        `${Numbers.percent(share)} of ${fused ? "a head's" : "the"} attention`,
      ]),
      Dom.make("span", { class: "rank" }, [`rank ${rank} of ${rows * cols}`]),
      Dom.make("span", { class: "where" }, [
        `${patch ? "" : "strongest: "}row ${at.row + 1}, col ${at.col + 1}${own ? " (the query itself)" : ""}`,
      ]),
    ];
  }

  /**
   * @param {Chunk} chunk
   * @param {number} row
   * @param {number} column
   * @param {number} percent
   */
  function keptText(chunk, row, column, percent) {
    const mask = Marks.mask(Paint.mapCodes(chunk, row, column), percent);
    const kept = mask.reduce((sum, keep) => sum + keep, 0);
    return `${percent}\u00a0% of the mass on patches: ${kept} of ${mask.length} patches`;
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
    const list = Dom.make("ul", { class: "mass-list", "aria-label": "Where the attention goes" });
    groups.forEach((name, i) => {
      const kind = name === "patches" ? "patches" : name.startsWith("reg") ? "register" : "token";
      const segment = Dom.make("span", { class: `mass-${kind}` });
      segment.style.flexGrow = String(shares[i]);
      bar.append(segment);
      const swatch = Dom.make("span", { class: `swatch mass-${kind}`, "aria-hidden": "true" });
      list.append(Dom.make("li", {}, [swatch, `${name} `, Dom.make("b", {}, [Numbers.percent(shares[i])])]));
    });
    root.replaceChildren(bar, list);
  }

  /**
   * @param {Chunk} chunk
   * @param {number} row
   * @param {number} column
   * @param {ScaleRange} range
   */
  function noteLines(chunk, row, column, range) {
    const codes = Paint.mapCodes(chunk, row, column);
    const maximum = chunk.header.maxima[row][column] ?? 0;
    let above = 0;
    let below = 0;
    for (const code of codes) {
      const place = Scale.position(Scale.value(code, maximum), range);
      if (place > 1) above += 1;
      if (place < 0) below += 1;
    }
    const lines = [`Off the scale: ${above} above, ${below} below, of ${codes.length} patches.`];
    const fused = column > chunk.header.heads;
    if (!fused && chunk.header.statistics && row < chunk.header.statistics.entropy.length) {
      const { entropy, distance } = chunk.header.statistics;
      const pick = (/** @type {number[][]} */ table) =>
        column < table[row].length
          ? table[row][column]
          : table[row].reduce((sum, value) => sum + value, 0) / table[row].length;
      lines.push(
        `Over all queries: entropy ${pick(entropy).toFixed(2)} of 1, mean distance ${pick(distance).toFixed(0)} px.`,
      );
    }
    return lines.map((line) => Dom.make("span", {}, [line]));
  }

  return { create };
})();
