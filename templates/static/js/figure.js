"use strict";

// The current view as a PNG, as it is on the screen, with color bars and caption. A page opened by double
// click may not read a picture back: then maps are drawn without the photograph, in the colors of the bar.

const Figure = (() => {
  const PANEL = 340;
  const GAP = 24;
  const MARGIN = 28;
  const LINE = 17;
  /** Room for the numbers of layers beside a wall, and of heads above it. */
  const AXIS = 18;
  const FONT = "13px system-ui, sans-serif";

  /**
   * @typedef {object} Panel
   * @property {string} title
   * @property {HTMLCanvasElement[]} canvases drawn in a column
   * @property {string[]} labels below each canvas, where there are several
   * @property {number} across canvases in a row
   * @property {ScaleRange | null} range
   * @property {Strip | null} strip a finished bar, with labels for its ends
   * @property {Axes | null} axes the numbers of layers and heads along a wall
   * @property {string} says why there is no map
   *
   * @typedef {{canvas: HTMLCanvasElement, ends: string[]}} Strip
   * @typedef {{heads: Label[], layers: Label[]}} Axes
   * @typedef {{at: number, text: string}} Label at the middle of a row or column, as a share of the wall
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
    const room = PANEL - (panel.axes ? AXIS : 0);
    const width = (room - (panel.across - 1) * 6) / panel.across;
    let y = LINE + 6 + (panel.axes ? AXIS : 0);
    return panel.canvases.map((canvas, i) => {
      const height = (canvas.height / canvas.width) * width;
      const place = { x: (i % panel.across) * (width + 6) + PANEL - room, y, width, height };
      const last = i % panel.across === panel.across - 1 || i === panel.canvases.length - 1;
      if (last) y += height + (panel.labels.length ? LINE + 4 : 8);
      return { ...place, end: y };
    });
  }

  /** @param {Panel} panel */
  function heightOf(panel) {
    const end = places(panel).at(-1)?.end ?? LINE * (panel.says ? 4 : 1);
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
      if (panel.labels[i]) context.fillText(panel.labels[i], left + x, top + y + height + 13, width);
    });
    if (panel.axes && all[0]) number(context, panel.axes, left + all[0].x, top + all[0].y, all[0]);
    wrap(context, panel.says, PANEL).forEach((line, i) => context.fillText(line, left, top + 12 + LINE * (i + 1)));
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
   * @param {Axes} axes
   * @param {number} left
   * @param {number} top
   * @param {{width: number, height: number}} wall
   */
  function number(context, axes, left, top, wall) {
    context.textAlign = "center";
    for (const { at, text } of axes.heads) context.fillText(text, left + at * wall.width, top - 5);
    context.textAlign = "right";
    for (const { at, text } of axes.layers) context.fillText(text, left - 4, top + at * wall.height + 4);
    context.textAlign = "left";
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

  /** Whether the page may read its photograph back: not when it was opened by double click. */
  function readable() {
    const photo = document.querySelector(".stage-photo");
    if (!(photo instanceof HTMLImageElement)) return false;
    const context = Paint.context(document.createElement("canvas"));
    context.drawImage(photo, 0, 0, 1, 1);
    try {
      context.getImageData(0, 0, 1, 1);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * The panels of the current view: large maps, and what is below them.
   * @param {ModelView[]} views
   * @param {Shown[]} shown
   * @param {State} state
   * @returns {Panel[]}
   */
  function panels(views, shown, state) {
    const large = views.map((view, i) => {
      const found = shown[i];
      const says = found.kind === "absent" || found.kind === "failed" ? found.reason : "";
      const range = found.kind === "map" ? found.range : null;
      const stage = Dom.find(document, `[data-model="${view.index}"] [data-stage]`);
      return { ...panel(view.model.label, says ? [] : [composite(stage, state)], range), says };
    });
    if (state.view === "pair") return [...large, pairPanel(views, state)];
    if (state.view === "wall") return [...large, ...views.map(wallPanel)];
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
  function wallPanel(view) {
    const root = `[data-wall="${view.index}"]`;
    const axes = {
      heads: labels(`${root} .wall-heads span`, "left", "width"),
      layers: labels(`${root} .wall-layers span`, "top", "height"),
    };
    return { ...panel("All layers (down) and heads (across)", canvases(`${root} .wall-canvas`), null), axes };
  }

  /**
   * @param {string} selector
   * @param {"left" | "top"} start
   * @param {"width" | "height"} size
   * @returns {Label[]}
   */
  function labels(selector, start, size) {
    const shown = [...document.querySelectorAll(selector)].flatMap((e) => (e instanceof HTMLElement && !e.hidden ? [e] : []));
    return shown.map((e) => ({
      at: (parseFloat(e.style[start]) + parseFloat(e.style[size]) / 2) / 100,
      text: e.textContent ?? "",
    }));
  }

  /**
   * A stage as it is on the screen: the photograph, maps over it, outlines and the patch that is the query.
   * @param {HTMLElement} stage
   * @param {State} state
   */
  function composite(stage, state) {
    const whole = stage.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(whole.width * ratio);
    canvas.height = Math.round(whole.height * ratio);
    const context = Paint.context(canvas);
    const photo = stage.querySelector(".stage-photo");
    const overlaid = readable() && photo instanceof HTMLImageElement;
    /** @param {Element} element */
    const box = (element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      return /** @type {const} */ ([(x - whole.x) * ratio, (y - whole.y) * ratio, width * ratio, height * ratio]);
    };
    if (overlaid) {
      context.filter = "grayscale(1)";
      context.drawImage(photo, ...box(photo));
      context.filter = "none";
    }
    for (const map of stage.querySelectorAll(".stage-map:not([hidden])")) {
      const layer = map.closest(".pair-layer");
      if (!(map instanceof HTMLCanvasElement) || (layer instanceof HTMLElement && layer.hidden)) continue;
      context.save();
      if (layer && state.how === "slider") {
        const border = (canvas.width * state.slide) / 100;
        const first = layer.classList.contains("pair-a");
        context.beginPath();
        context.rect(first ? 0 : border, 0, first ? border : canvas.width, canvas.height);
        context.clip();
      }
      context.imageSmoothingEnabled = false;
      context.globalAlpha = overlaid ? Number(map.style.opacity) : 1;
      context.drawImage(map, ...box(map));
      context.globalAlpha = 1;
      const lines = map.parentElement?.querySelector(".stage-lines:not([hidden])");
      if (lines instanceof HTMLCanvasElement) context.drawImage(lines, ...box(map));
      context.restore();
    }
    const query = stage.querySelector(".stage-query:not([hidden])");
    if (query) {
      for (const [style, thickness] of /** @type {[string, number][]} */ ([["#000", 5], ["#19d3e6", 2.5]])) {
        context.strokeStyle = style;
        context.lineWidth = thickness * ratio;
        context.strokeRect(...box(query));
      }
    }
    return canvas;
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
    const stage = Dom.find(document, "[data-pair]");
    const apart = state.how === "difference";
    const ends = [...document.querySelectorAll(".pair-ends span")].map((e) => e.textContent ?? "");
    const strip = apart && !stage.hidden ? { canvas: canvases("#pair-bar canvas")[0], ends } : null;
    const says = stage.hidden ? (Dom.byId("pair-says", HTMLElement).textContent ?? "") : "";
    const title = apart ? `${a} minus ${b}, in times uniform` : `${a}, ${b}`;
    return { ...panel(title, says ? [] : [composite(stage, state)], null), strip, says };
  }

  /**
   * @param {string} title
   * @param {HTMLCanvasElement[]} canvases
   * @param {ScaleRange | null} range
   * @returns {Panel}
   */
  function panel(title, canvases, range) {
    return { title, canvases, labels: [], across: 1, range, strip: null, axes: null, says: "" };
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

  return { compose, panels, readable, save };
})();
