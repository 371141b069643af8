"use strict";

// The current view as a PNG: maps in the colors of the bar, without the photograph, because a page
// opened by double click may not read a picture back; with color bar and caption.

const Figure = (() => {
  const PANEL = 340;
  const GAP = 24;
  const MARGIN = 28;
  const LINE = 17;
  const FONT = "13px system-ui, sans-serif";

  /**
   * @typedef {object} Panel
   * @property {string} title
   * @property {HTMLCanvasElement[]} canvases drawn in a column
   * @property {string[]} labels below each canvas, where there are several
   * @property {number} across canvases in a row
   * @property {ScaleRange | null} range
   * @property {Strip | null} strip a finished bar, with labels for its ends
   * @property {{x: number, y: number, width: number, height: number} | null} query the patch that
   *   is the query, in shares of the map
   *
   * @typedef {{canvas: HTMLCanvasElement, ends: string[]}} Strip
   */

  /**
   * @param {Panel[]} panels
   * @param {string} caption
   * @param {Uint8Array} colors
   * @param {number} models beside each other
   */
  function compose(panels, caption, colors, models) {
    const canvas = document.createElement("canvas");
    // panels of a model are below its large map
    const columns = Math.min(4, Math.max(2, models));
    const width = 2 * MARGIN + columns * PANEL + (columns - 1) * GAP;
    canvas.width = width;
    const lines = wrap(Paint.context(canvas), caption, width - 2 * MARGIN);
    const rows = Array.from({ length: Math.ceil(panels.length / columns) }, (_, i) =>
      panels.slice(i * columns, (i + 1) * columns),
    );
    const heights = rows.map((row) => Math.max(...row.map(heightOf)));
    const sum = heights.reduce((total, height) => total + height + GAP, 0);
    canvas.height = Math.ceil(2 * MARGIN + sum + lines.length * LINE);
    const context = Paint.context(canvas);
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.font = FONT;
    let y = MARGIN;
    rows.forEach((row, i) => {
      row.forEach((panel, j) => draw(context, panel, MARGIN + j * (PANEL + GAP), y, colors));
      y += heights[i] + GAP;
    });
    context.fillStyle = "#000";
    context.textAlign = "left";
    lines.forEach((line, i) => context.fillText(line, MARGIN, y + LINE * (i + 0.8)));
    return canvas;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {string} text
   * @param {number} room
   */
  function wrap(context, text, room) {
    context.font = FONT;
    /** @type {string[]} */
    const lines = [];
    let line = "";
    for (const word of text.split(" ")) {
      const longer = line ? `${line} ${word}` : word;
      if (line && context.measureText(longer).width > room) {
        lines.push(line);
        line = word;
      } else line = longer;
    }
    return [...lines, line];
  }

  /** @param {Panel} panel */
  function places(panel) {
    const width = (PANEL - (panel.across - 1) * 6) / panel.across;
    let y = LINE + 6;
    return panel.canvases.map((canvas, i) => {
      const height = (canvas.height / canvas.width) * width;
      const place = { x: (i % panel.across) * (width + 6), y, width, height };
      const last = i % panel.across === panel.across - 1 || i === panel.canvases.length - 1;
      if (last) y += height + (panel.labels.length ? LINE + 4 : 8);
      return { ...place, end: y };
    });
  }

  /** @param {Panel} panel */
  function heightOf(panel) {
    const end = places(panel).at(-1)?.end ?? LINE;
    return end + (panel.range || panel.strip ? 40 : 0);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Panel} panel
   * @param {number} left
   * @param {number} top
   * @param {Uint8Array} colors
   */
  function draw(context, panel, left, top, colors) {
    context.fillStyle = "#000";
    context.textAlign = "left";
    context.fillText(panel.title, left, top + 12, PANEL);
    const all = places(panel);
    all.forEach(({ x, y, width, height }, i) => {
      const source = panel.canvases[i];
      context.imageSmoothingEnabled = source.width > width;
      context.drawImage(source, left + x, top + y, width, height);
      const lines = source.parentElement?.querySelector(".stage-lines:not([hidden])");
      if (lines instanceof HTMLCanvasElement) context.drawImage(lines, left + x, top + y, width, height);
      if (panel.labels[i]) context.fillText(panel.labels[i], left + x, top + y + height + 13, width);
    });
    if (panel.query && all[0]) outline(context, panel.query, left + all[0].x, top + all[0].y, all[0]);
    const below = top + (all.at(-1)?.end ?? LINE) + 6;
    if (panel.range) bar(context, panel.range, left + 12, below, colors);
    if (!panel.strip) return;
    context.drawImage(panel.strip.canvas, left, below, PANEL, 10);
    context.fillText(panel.strip.ends[0], left, below + 26, PANEL / 2 - 10);
    context.textAlign = "right";
    context.fillText(panel.strip.ends[1], left + PANEL, below + 26, PANEL / 2 - 10);
    context.textAlign = "left";
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {{x: number, y: number, width: number, height: number}} query
   * @param {number} left
   * @param {number} top
   * @param {{width: number, height: number}} map
   */
  function outline(context, query, left, top, map) {
    for (const [style, thickness] of /** @type {[string, number][]} */ ([["#000", 5], ["#19d3e6", 2.5]])) {
      context.strokeStyle = style;
      context.lineWidth = thickness;
      const [x, y] = [left + query.x * map.width, top + query.y * map.height];
      context.strokeRect(x, y, query.width * map.width, query.height * map.height);
    }
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {ScaleRange} range
   * @param {number} left
   * @param {number} top
   * @param {Uint8Array} colors
   */
  function bar(context, range, left, top, colors) {
    const width = PANEL - 24;
    for (let i = 0; i < 256; i += 1) {
      context.fillStyle = `rgb(${colors.subarray(3 * i, 3 * i + 3).join(" ")})`;
      context.fillRect(left + (i * width) / 256, top, width / 256 + 1, 10);
    }
    context.fillStyle = "#000";
    context.textAlign = "center";
    for (const { x, label } of ColorBars.ticks(range)) {
      context.fillRect(left + x * width - 0.5, top + 10, 1, 4);
      context.fillText(label, left + x * width, top + 26);
    }
    context.textAlign = "left";
  }

  /**
   * The canvases of the view that is shown below the large maps, one panel a model.
   * @param {ModelView[]} views
   * @param {Shown[]} shown
   * @param {State} state
   * @returns {Panel[]}
   */
  function panels(views, shown, state) {
    const large = views.map((view, i) => {
      const found = shown[i];
      const range = found.kind === "map" ? found.range : null;
      const maps = range ? canvases(`[data-model="${view.index}"] .stage-map`) : [];
      return { ...panel(view.model.label, maps, range), query: queryOf(view) };
    });
    if (state.view === "pair") return [...large, pairPanel(views, state)];
    if (state.view === "wall") {
      const walls = views.map((v) => panel("All layers (down) and heads (across)", canvases(`[data-wall="${v.index}"] canvas`), null));
      return [...large, ...walls];
    }
    return [
      ...large,
      ...views.map((view) => {
        const root = `[data-tiles="${view.index}"] .tile:not([hidden])`;
        const labels = [...document.querySelectorAll(`${root} .tile-label`)].map((e) => e.textContent ?? "");
        const title = Dom.byId("tiles-title", HTMLElement).textContent ?? "";
        return { ...panel(title, canvases(`${root} canvas`), null), labels, across: 4 };
      }),
    ];
  }

  /** @param {ModelView} view */
  function queryOf({ chunk }) {
    if (!chunk?.self) return null;
    const [rows, cols] = chunk.header.grid;
    return { x: chunk.self.col / cols, y: chunk.self.row / rows, width: 1 / cols, height: 1 / rows };
  }

  /**
   * @param {ModelView[]} views
   * @param {State} state
   * @returns {Panel}
   */
  function pairPanel(views, state) {
    const [a, b] = [state.a, state.b].map(
      (slug) => views.find((view) => view.model.slug === slug)?.model.label,
    );
    const apart = state.how === "difference";
    const shown = canvases(".pair-layer:not([hidden]) .stage-map:not([hidden])");
    const ends = [...document.querySelectorAll(".pair-ends span")].map((e) => e.textContent ?? "");
    const strip = apart && shown.length ? { canvas: canvases("#pair-bar canvas")[0], ends } : null;
    return { ...panel(apart ? `${a} minus ${b}, in times uniform` : `${a}, ${b}`, shown, null), strip };
  }

  /**
   * @param {string} title
   * @param {HTMLCanvasElement[]} canvases
   * @param {ScaleRange | null} range
   * @returns {Panel}
   */
  function panel(title, canvases, range) {
    return { title, canvases, labels: [], across: 1, range, strip: null, query: null };
  }

  /**
   * @param {string} selector
   * @returns {HTMLCanvasElement[]}
   */
  function canvases(selector) {
    return [...document.querySelectorAll(selector)].filter((e) => e instanceof HTMLCanvasElement);
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {string} name
   * @returns {Promise<void>}
   */
  function save(canvas, name) {
    return new Promise((resolve) => {
      canvas.toBlob((blob) => {
        if (!blob) return resolve();
        const url = URL.createObjectURL(blob);
        const link = Dom.make("a", { href: url, download: name });
        link.click();
        setTimeout(() => URL.revokeObjectURL(url), 10_000);
        return resolve();
      }, "image/png");
    });
  }

  return { compose, panels, save };
})();
