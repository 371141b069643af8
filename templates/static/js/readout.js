"use strict";

// What a map is, in the line below it, and its value at one patch, in a row of the table.

const Readouts = (() => {
  const COLUMNS = /** @type {const} */ (["value", "share", "rank", "norm", "where", "mass"]);
  /** Columns that the narrowest table has: a sentence that spans more would make the others narrower. */
  const ALWAYS = 4;

  /**
   * @param {HTMLElement} title below the map
   * @param {HTMLElement} row of the table
   * @param {PageData} page
   * @returns {Readout}
   */
  function create(title, row, page) {
    const cells = COLUMNS.map((name) => Dom.make("td", { class: name }));
    row.append(...cells);

    return {
      update(view, state, shown, found, differ) {
        const { brief, full } = titleTexts(page, view, state, shown, differ);
        title.replaceChildren(
          Dom.make("span", { "aria-hidden": "true" }, [brief]), Dom.make("span", { class: "visually-hidden" }, [full]),
        );
        title.title = full;
        const single = found.length === 1;
        cells.forEach((cell, i) => {
          cell.hidden = single && i > 0;
          cell.replaceChildren(found[i] ?? "");
        });
        if (single) cells[0].setAttribute("colspan", String(ALWAYS));
        else cells[0].removeAttribute("colspan");
      },
    };
  }

  /**
   * What a map is: in full, and so short that it stands beside the name below a narrow map.
   * @param {PageData} page
   * @param {ModelView} view
   * @param {State} state
   * @param {Shown} shown
   * @param {boolean} differ
   */
  function titleTexts(page, { model }, state, shown, differ) {
    if (shown.kind === "cosine") {
      const at = where(shown.own.row, shown.own.col, "");
      return { brief: `cosine with ${at}`, full: `Cosine with the patch in ${at}, features of the last layer` };
    }
    const of = state.layer === "pool" || !model.rows.includes(state.layer) ? "" : ` of ${model.layers}`;
    const own = differ && shown.kind === "map" ? `${ColorBars.write(shown.range.low)} to ${ColorBars.write(shown.range.high)} ×` : "";
    // the bar of controls says over what
    const head = ["mean", "max", "min"].includes(state.head) ? state.head : Words.head(state.head);
    const windows = model.windowed.includes(state.layer) ? `windows of ${model.window} × ${model.window}` : "";
    const full = [`${Words.sentence(Words.layer(state.layer))}${of}`, windows, head, Words.note(page, model, state)];
    const depth = of ? `L${state.layer}/${model.layers}` : Words.layer(state.layer);
    const brief = [own, depth, windows, head, Words.briefNote(model, state)];
    return {
      brief: brief.filter(Boolean).join(", "),
      full: `${own ? `Scale ${own}. ` : ""}${full.filter(Boolean).join(", ")}`,
    };
  }

  /**
   * The rows of all models: numbers of a column have as many decimals each.
   * @param {ModelView[]} views
   * @param {Shown[]} all
   * @param {Place | null} place
   * @returns {(Node | string)[][]}
   */
  function rows(views, all, place) {
    const found = views.map((view, i) => values(view, all[i], place));
    const printed = found.map((cells) => [...cells]);
    for (let column = 0; column < COLUMNS.length; column += 1) {
      const amounts = found.map((cells) => cells[column]).filter(isAmount);
      if (!amounts.length) continue;
      const { share, digits } = amounts[0];
      const texts = Numbers.column(amounts.map(({ value }) => value), share, digits);
      for (const cells of printed) {
        const cell = cells[column];
        if (!isAmount(cell)) continue;
        const text = `${cell.before}${texts.shift() ?? ""}${cell.after}`;
        cells[column] = cell.bar ? Dom.make("span", {}, [cell.bar, text]) : text;
      }
    }
    return printed.map((cells) => cells.map((cell) => (isAmount(cell) ? "" : cell)));
  }

  /**
   * @param {Amount | Node | string | undefined} cell
   * @returns {cell is Amount}
   */
  function isAmount(cell) {
    return typeof cell === "object" && "digits" in cell;
  }

  /**
   * @typedef {{
   *   value: number, share: boolean, digits: number, bar: Node | null, before: string, after: string
   * }} Amount a number of a column, and what stands around it
   */

  /**
   * The cells of a row; a single one for a sentence.
   * @param {ModelView} view
   * @param {Shown} shown
   * @param {Place | null} place
   * @returns {(Amount | Node | string)[]}
   */
  function values(view, shown, place) {
    if (shown.kind === "loading") return ["Loading…"];
    if (shown.kind === "absent" || shown.kind === "failed") return ["–"];
    const grid = shown.kind === "cosine" ? Places.measured(view.model) : view.model;
    const patch = place ? Places.patchAt(grid, place) : null;
    if (place && !patch) return ["Outside of what this model saw."];
    if (shown.kind === "cosine") return cosineValues(view, shown, patch);
    return view.chunk ? mapValues(view, view.chunk, shown, patch) : ["–"];
  }

  /**
   * @param {ModelView} view
   * @param {Shown & {kind: "cosine"}} shown
   * @param {Patch | null} patch
   */
  function cosineValues({ model }, { values: found, own, error }, patch) {
    const cols = model.measured[1];
    const best = Cosines.nearest(found, own.row * cols + own.col);
    const at = patch ? patch.row * cols + patch.col : best;
    const above = found.reduce((sum, value) => sum + (value > found[at] ? 1 : 0), 1);
    const rank = ranked(Numbers.count(above), found.length);
    const value = Dom.make("span", { title: `Rounded to ±${Numbers.rough(error)}` }, [Numbers.number(found[at], 2)]);
    return [value, "–", rank, "–", where(Math.floor(at / cols), at % cols, patch ? "" : "nearest: "), "–"];
  }

  /**
   * @param {ModelView} view
   * @param {Chunk} chunk
   * @param {{row: number, column: number}} map
   * @param {Patch | null} patch
   * @returns {(Amount | Node | string)[]}
   */
  function mapValues({ model }, chunk, { row, column }, patch) {
    const { header, self } = chunk;
    const at = patch ?? Places.strongest(chunk, row, column);
    const times = Places.value(chunk, row, column, at);
    const bound = times > 0 ? times : Places.least(chunk, row, column);
    const fused = column > header.heads;
    const within = fused ? ` ± ${Numbers.rough(Fuse.error(header, row, column, times))}` : "";
    const many = Words.patchesIn(model);
    const share = (many * bound) / header.keys[row];
    const [first, last] = Places.ranks(chunk, row, column, at);
    const rank = first === last ? Numbers.count(first) : `${Numbers.count(first)}–${Numbers.count(last)}`;
    const [rows, cols] = header.grid;
    const norm = Norms.after(chunk, row)[at.row * cols + at.col];
    const own = self && self.row === at.row && self.col === at.col;
    return [
      times > 0 ? amount(times, { after: ` ×${within}` }) : `< ${Numbers.rough(bound)} ×${within}`,
      times > 0 ? amount(share, { share: true }) : `< ${Numbers.percent(share).replace("<", "")}`,
      ranked(rank, rows * cols),
      norm === undefined ? "–" : amount(Norms.times(norm), { digits: 2, before: many > 1 ? "up to " : "", after: " ×" }),
      where(at.row, at.col, patch ? "" : "strongest: ", own ? " (query)" : ""),
      onPatches(header.mass[row][column].at(-1) ?? null),
    ];
  }

  /**
   * A rank and how many there are, which a narrow table leaves out.
   * @param {string} rank
   * @param {number} count
   */
  function ranked(rank, count) {
    return Dom.make("span", {}, [rank, Dom.make("span", { class: "rank-of" }, [` of ${Numbers.count(count)}`])]);
  }

  /**
   * @param {number} value
   * @param {Partial<Amount>} rest
   * @returns {Amount}
   */
  function amount(value, rest) {
    return { value, share: false, digits: 3, bar: null, before: "", after: "", ...rest };
  }

  /**
   * @param {number} row
   * @param {number} col
   * @param {string} before
   * @param {string} [after]
   */
  function where(row, col, before, after = "") {
    return `${before}row ${row + 1}, col ${col + 1}${after}`;
  }

  /** @param {number | null} share of the attention on patches; null for a maximum over heads */
  function onPatches(share) {
    if (share === null) return "–";
    const part = Dom.make("span", { class: "mass-patches" });
    part.style.width = `${100 * Math.min(1, share)}%`;
    return amount(share, { share: true, bar: Dom.make("span", { class: "mass-part", "aria-hidden": "true" }, [part]) });
  }

  return { create, rows };
})();
