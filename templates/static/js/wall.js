"use strict";

// The wall of one model: all layers and heads on one canvas, those over all heads first. One cell is
// a real element with a focus ring; it moves over the canvas as an ARIA grid cell would.

const Walls = (() => {
  /**
   * @param {HTMLElement} root
   * @param {PageModel} model
   * @param {WallActions} actions
   * @returns {Wall}
   */
  function create(root, model, actions) {
    const parts = build(root, model);
    /** @type {{view: ModelView, chosen: State, preview: State} | null} */
    let last = null;
    /** @type {HTMLCanvasElement | null} */
    let painted = null;
    let byDepth = false;
    let begun = false;
    /** @type {WallSize | null} null before the page is laid out */
    let size = null;

    function refresh() {
      if (!size) return;
      layOut(parts, model, size);
      if (!last) return;
      draw(parts.canvas, model, size, last.view.chunk, actions.paint(last.view));
      mark(parts, model, size, last.view, last.chosen, last.preview);
    }

    /** Whether the size of the cells is another one now. */
    function resized() {
      const now = measure(root, model, actions, byDepth);
      const same = JSON.stringify(now) === JSON.stringify(size);
      size = now;
      return !same;
    }

    listen(parts, model, () => size, () => last, actions);
    const row = root.closest(".walls-row");
    if (row) Lifetime.resized(row, () => resized() && refresh());

    return {
      update(view, chosen, preview, lacking) {
        if (byDepth !== (chosen.pairLayers === "depth") && model.rows.length) {
          byDepth = !byDepth;
          if (resized() && size) layOut(parts, model, size);
          painted = null;
        }
        const first = !begun && view.chunk !== null;
        // the large map comes first, and the wall in the next frame
        if (first) actions.again();
        begun ||= first;
        const atlas = first ? painted : actions.paint(view);
        const repaint = atlas !== painted;
        painted = atlas;
        // a copy: the view itself changes when another chunk arrives
        last = { view: { ...view }, chosen, preview };
        parts.frame.classList.toggle("wall-absent", lacking !== "");
        parts.frame.dataset.reason = lacking;
        // heads missing from the site look different from zeros and from heads that do not exist
        parts.frame.classList.toggle("wall-cut", view.model.cut !== "");
        if (!size) return;
        if (repaint) draw(parts.canvas, model, size, view.chunk, atlas);
        mark(parts, model, size, view, chosen, preview);
      },
    };
  }

  /**
   * @param {HTMLElement} root
   * @param {PageModel} model
   * @param {WallActions} actions
   * @param {boolean} byDepth
   */
  function measure(root, model, actions, byDepth) {
    const screen = { width: window.innerWidth, height: window.innerHeight, ratio: window.devicePixelRatio || 1 };
    const row = root.closest(".walls-row");
    const peers = actions.peers();
    const models = peers.includes(model) ? peers : [model];
    const { across, height } = WallGeometry.arrange(models, row?.clientWidth ?? screen.width, screen);
    if (row instanceof HTMLElement) row.style.setProperty("--across", String(across));
    return WallGeometry.measure(model, models, height, byDepth, screen.ratio);
  }

  /**
   * @param {HTMLElement} root
   * @param {PageModel} model
   */
  function build(root, model) {
    const canvas = document.createElement("canvas");
    canvas.className = "wall-canvas";
    canvas.setAttribute("aria-hidden", "true");
    const cell = Dom.make("div", { class: "wall-cell", role: "gridcell", tabindex: "0" });
    const hint = Dom.make("div", { class: "wall-hint", "aria-hidden": "true" });
    const row = Dom.make("div", { role: "row" }, [cell]);
    const name = `${model.label}: all layers and heads`;
    const counts = {
      "aria-rowcount": String(model.rows.length),
      "aria-colcount": String(model.heads + WallGeometry.FUSED),
    };
    const grid = Dom.make("div", { role: "grid", "aria-label": name, ...counts }, [row]);
    const frame = Dom.make("div", { class: "wall-frame" }, [canvas, hint, grid]);
    const heads = Array.from({ length: model.heads + WallGeometry.FUSED }, (_, column) =>
      Dom.make("span", {}, [WallGeometry.headOf(column)]),
    );
    const layers = model.rows.map((name) => Dom.make("span", {}, [name]));
    // apart from the numbers, some of which are left out where rows are low
    const bars = model.windowed.map((name) => Dom.make("div", { title: Words.sentence(Words.layerOf(model, name)) }));
    root.append(
      Dom.make("div", { class: "wall" }, [
        Dom.make("div", { class: "wall-heads", "aria-hidden": "true" }, heads),
        Dom.make("div", { class: "wall-layers", "aria-hidden": "true" }, [...layers, ...bars]),
        frame,
      ]),
    );
    return { canvas, cell, hint, row, frame, heads, layers, bars, lens: WallLens.create(frame) };
  }

  /**
   * @param {ReturnType<typeof build>} parts
   * @param {PageModel} model
   * @param {WallSize} size
   */
  function layOut(parts, model, size) {
    const { width, height } = WallGeometry.extent(size);
    // paper may be narrower than the window: positions are shares
    parts.frame.style.width = `${width}px`;
    parts.frame.style.aspectRatio = `${width} / ${height}`;
    parts.canvas.width = Math.round(width * size.ratio);
    parts.canvas.height = Math.round(height * size.ratio);
    const above = parts.heads[0].parentElement;
    if (above) above.style.width = `${width}px`;
    above?.classList.toggle("close", size.width < WallLabels.WIDE);
    parts.heads.forEach((label, column) => {
      const left = (100 * WallGeometry.left(size, column)) / width;
      Dom.place(label, left, 0, (100 * size.width) / width, 100, "%");
    });
    parts.layers.forEach((label, row) => {
      const top = (100 * WallGeometry.top(size, row)) / height;
      Dom.place(label, 0, top, 100, (100 * size.height) / height, "%");
    });
    parts.bars.forEach((bar, i) => {
      const top = (100 * WallGeometry.top(size, model.rows.indexOf(model.windowed[i]))) / height;
      Dom.place(bar, 0, top, 100, (100 * size.height) / height, "%");
    });
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {PageModel} model
   * @param {WallSize} size
   * @param {Chunk | null} chunk
   * @param {HTMLCanvasElement | null} atlas all maps, one pixel per patch; null while they load
   */
  function draw(canvas, model, size, chunk, atlas) {
    const context = Paint.context(canvas);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!chunk || !atlas) return;
    const { header } = chunk;
    const [rows, cols] = header.grid;
    const device = (/** @type {number} */ length) => Math.round(length * size.ratio);
    const [width, height] = [device(size.width), device(size.height)];
    // a patch is drawn as a block in large cells, and averaged in small ones
    context.imageSmoothingEnabled = width < cols || height < rows;
    context.imageSmoothingQuality = "high";
    header.rows.forEach((label, row) => {
      const y = device(WallGeometry.top(size, model.rows.indexOf(label)));
      header.maxima[row].forEach((maximum, column) => {
        if (maximum === null) return;
        const head = ["mean", "max", "min"][column - header.heads] ?? String(column + 1);
        const x = device(WallGeometry.left(size, WallGeometry.columnOf(head)));
        context.drawImage(atlas, column * cols, row * rows, cols, rows, x, y, width, height);
      });
    });
  }

  /**
   * Row and column of the wall for a state; null if the model has no such layer or head.
   * @param {PageModel} model
   * @param {State} state
   */
  function find(model, state) {
    const row = model.rows.indexOf(state.layer);
    const column = WallGeometry.columnOf(state.head);
    return row >= 0 && column < model.heads + WallGeometry.FUSED ? { row, column } : null;
  }

  /**
   * Move the ring to the chosen cell and a thin line to the cell under the pointer.
   * @param {ReturnType<typeof build>} parts
   * @param {PageModel} model
   * @param {WallSize} size
   * @param {ModelView} view
   * @param {State} chosen
   * @param {State} preview
   */
  function mark(parts, model, size, view, chosen, preview) {
    const here = find(model, chosen);
    const there = chosen.query in model.chunks ? find(model, preview) : null;
    // where the model lacks the chosen one, the cell keeps the focus but shows no ring
    const { row, column } = here ?? { row: Math.max(0, model.rows.indexOf(chosen.layer)), column: 0 };
    put(parts.cell, size, row, column);
    parts.cell.classList.toggle("wall-cell-absent", !here || !(chosen.query in model.chunks));
    parts.row.setAttribute("aria-rowindex", String(row + 1));
    parts.cell.setAttribute("aria-colindex", String(column + 1));
    parts.cell.setAttribute("aria-label", WallLabels.describe(view.chunk, chosen, model));
    parts.hint.hidden = !there || (there.row === here?.row && there.column === here?.column);
    if (there) put(parts.hint, size, there.row, there.column);
    WallLabels.thin(parts.layers, here ? row : -1, size.height);
    WallLabels.thin(parts.heads, here ? column : -1, size.width);
  }

  /**
   * @param {HTMLElement} element
   * @param {WallSize} size
   * @param {number} row
   * @param {number} column
   */
  function put(element, size, row, column) {
    const { width, height } = WallGeometry.extent(size);
    const [across, down] = [100 / width, 100 / height];
    const [left, top] = [WallGeometry.left(size, column), WallGeometry.top(size, row)];
    Dom.place(element, left * across, top * down, size.width * across, size.height * down, "%");
  }

  /**
   * @param {ReturnType<typeof build>} parts
   * @param {PageModel} model
   * @param {() => WallSize | null} size
   * @param {() => {view: ModelView, chosen: State} | null} last what was shown last
   * @param {WallActions} actions
   */
  function listen(parts, model, size, last, actions) {
    /** @param {MouseEvent} event */
    function cellAt(event) {
      const box = parts.canvas.getBoundingClientRect();
      const laidOut = size();
      return laidOut && WallGeometry.cellAt(laidOut, event.clientX - box.left, event.clientY - box.top);
    }
    parts.frame.addEventListener("pointermove", (event) => {
      const cell = event.pointerType === "mouse" ? cellAt(event) : null;
      if (!cell) return parts.lens.hide();
      const [layer, head] = names(model, cell.row, cell.column);
      actions.preview(layer, head);
      const shown = last();
      if (shown) enlarge(parts.lens, event, model, shown.view, actions.paint(shown.view), layer, head);
    });
    parts.frame.addEventListener("pointerleave", () => {
      parts.lens.hide();
      actions.endPreview();
    });
    parts.frame.addEventListener("click", (event) => {
      const cell = cellAt(event);
      if (!cell) return;
      actions.choose(...names(model, cell.row, cell.column), "push");
      parts.cell.focus({ preventScroll: true });
      actions.clicked();
    });
    parts.cell.addEventListener("keydown", (event) => {
      const state = last()?.chosen;
      if (!state || event.altKey || event.metaKey) return;
      if (event.key === "PageUp" || event.key === "PageDown") {
        event.preventDefault();
        actions.turn(event.key === "PageUp" ? -1 : 1);
      }
      const step = steps(model, state, event.ctrlKey)[event.key];
      if (!step) return;
      event.preventDefault();
      const row = clamp(step[0], model.rows.length - 1);
      actions.choose(...names(model, row, clamp(step[1], model.heads + WallGeometry.FUSED - 1)), "walk");
      actions.clicked();
      parts.cell.scrollIntoView({ block: "nearest", inline: "nearest" });
    });
  }

  /**
   * @param {Lens} lens
   * @param {MouseEvent} event
   * @param {PageModel} model
   * @param {ModelView} view
   * @param {HTMLCanvasElement | null} atlas
   * @param {RowLabel} layer
   * @param {HeadLabel} head
   */
  function enlarge(lens, event, model, { chunk }, atlas, layer, head) {
    const row = chunk ? chunk.header.rows.indexOf(layer) : -1;
    const column = chunk ? Words.columnOf(chunk, head) : 0;
    if (!chunk || !atlas || row < 0 || chunk.header.maxima[row][column] === null) return lens.hide();
    const [rows, cols] = chunk.header.grid;
    const map = { x: column * cols, y: row * rows, cols, rows, shape: WallGeometry.shapeOf(model) };
    lens.show(event, atlas, map, `${Words.sentence(Words.layerOf(model, layer))}, ${Words.head(head)}`);
  }

  /**
   * The target of each key, as row and column.
   * @param {PageModel} model
   * @param {State} state
   * @param {boolean} far whether Ctrl is held
   * @returns {Record<string, [number, number]>}
   */
  function steps(model, state, far) {
    const row = Math.max(0, model.rows.indexOf(state.layer));
    const column = WallGeometry.columnOf(state.head);
    return {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [far ? 0 : row, 0],
      End: [far ? model.rows.length - 1 : row, model.heads + WallGeometry.FUSED - 1],
    };
  }

  /**
   * @param {PageModel} model
   * @param {number} row
   * @param {number} column
   * @returns {[RowLabel, HeadLabel]}
   */
  function names(model, row, column) {
    return [model.rows[row], WallGeometry.headOf(column)];
  }

  /**
   * @param {number} value
   * @param {number} largest
   */
  function clamp(value, largest) {
    return Math.min(largest, Math.max(0, value));
  }

  return { create };
})();
