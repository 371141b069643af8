"use strict";

// One picture on the page: the photograph alone, or with a model's chosen map over the box of the
// original that its patches cover.

const Stages = (() => {
  /** Pixels per patch of an interpolated map. */
  const SMOOTH = 8;
  const TALLEST = "80vh";

  /**
   * @param {HTMLElement} root
   * @param {PageData} page
   * @param {PageModel | null} model null for the photograph alone
   * @param {StageActions} actions
   * @returns {Stage}
   */
  function create(root, page, model, actions) {
    const shape = page.width / page.height;
    root.style.aspectRatio = String(shape);
    // a tall picture is limited to the height of the window
    root.style.maxWidth = `calc(${TALLEST} * ${shape})`;
    const parts = build(root, page, model);
    /** @type {(() => void) | null} */
    let redraw = null;

    listen(root, page, actions);
    if (model) {
      walk(root, actions);
      Lifetime.resized(parts.box, () => redraw?.());
    }

    return {
      update(view, state, shown, place) {
        mark(parts.mark, page, model, shown.kind === "map" || !model ? place : null);
        mark(parts.query, page, model, State.origin(page, state));
        if (!view) return;
        root.classList.toggle("stage-absent", shown.kind === "absent" || shown.kind === "failed");
        root.classList.toggle("stage-broken", shown.kind === "failed");
        root.classList.toggle("stage-loading", shown.kind === "loading");
        parts.message.textContent =
          shown.kind === "absent" || shown.kind === "failed" ? shown.reason : "";
        parts.canvas.hidden = shown.kind !== "map";
        parts.canvas.style.opacity = String(state.strength / 100);
        redraw = () => draw(parts, view, state, shown);
        redraw();
      },
    };
  }

  /**
   * @param {HTMLElement} root
   * @param {PageData} page
   * @param {Pick<StageActions, "point" | "pin">} actions
   */
  function listen(root, page, actions) {
    /** @param {MouseEvent} event */
    function placeAt(event) {
      const box = root.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * page.width;
      const y = ((event.clientY - box.top) / box.height) * page.height;
      return { x: clamp(x, page.width), y: clamp(y, page.height) };
    }
    root.addEventListener("pointermove", (event) => {
      if (event.pointerType === "mouse") actions.point(placeAt(event));
    });
    root.addEventListener("pointerleave", () => actions.point(null));
    root.addEventListener("click", (event) => actions.pin(placeAt(event), event.shiftKey));
  }

  /**
   * Arrow keys move over the patches.
   * @param {HTMLElement} root
   * @param {StageActions} actions
   */
  function walk(root, actions) {
    /** @type {Record<string, [number, number]>} */
    const steps = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
    };
    root.addEventListener("keydown", (event) => {
      if (event.altKey || event.metaKey || event.ctrlKey || !steps[event.key]) return;
      event.preventDefault();
      actions.step(steps[event.key], event.shiftKey);
    });
  }

  /**
   * @param {HTMLElement} root
   * @param {PageData} page
   * @param {PageModel | null} model
   */
  function build(root, page, model) {
    const { box, canvas, lines } = layers();
    const mark = Dom.make("div", { class: "stage-mark", hidden: "" });
    const query = Dom.make("div", { class: "stage-mark stage-query", hidden: "" });
    const message = Dom.make("p", { class: "stage-message" });
    root.append(box, query, mark, message);
    if (model) {
      cover(box, page, model);
      const [left, top, right, bottom] = model.view;
      const whole = left <= 0 && top <= 0 && right >= page.width && bottom >= page.height;
      root.classList.toggle("stage-part", !whole);
      root.tabIndex = 0;
      root.setAttribute("role", "application");
      root.setAttribute("aria-roledescription", "attention map");
      root.setAttribute(
        "aria-label",
        `${model.label}: the chosen map over the picture. Arrow keys move over its patches.`,
      );
    } else {
      box.hidden = true;
    }
    return { canvas, lines, mark, query, message, box };
  }

  /** A map, and lines above it that are not made transparent with it. */
  function layers() {
    const canvas = document.createElement("canvas");
    canvas.className = "stage-map";
    const lines = document.createElement("canvas");
    lines.className = "stage-lines";
    lines.hidden = true;
    return { canvas, lines, box: Dom.make("div", { class: "stage-box" }, [canvas, lines]) };
  }

  /**
   * Place a box over the part of the picture that a grid covers.
   * @param {HTMLElement} box
   * @param {PageData} page
   * @param {Grid} grid
   */
  function cover(box, page, grid) {
    const [left, top, right, bottom] = grid.view;
    const [across, down] = [100 / page.width, 100 / page.height];
    Dom.place(box, left * across, top * down, (right - left) * across, (bottom - top) * down, "%");
  }

  /**
   * @param {{canvas: HTMLCanvasElement, lines: HTMLCanvasElement}} parts
   * @param {ModelView} view
   * @param {State} state
   * @param {Shown} shown
   */
  function draw({ canvas, lines }, view, state, shown) {
    const { chunk } = view;
    lines.hidden = shown.kind !== "map" || state.outliers !== "outline";
    if (shown.kind !== "map" || !chunk) return;
    const cols = chunk.header.grid[1];
    const codes = Paint.mapCodes(chunk, shown.row, shown.column);
    const maximum = chunk.header.maxima[shown.row][shown.column] ?? 0;
    const { range } = shown;
    const colors = Paint.table(view.colors);
    const smooth = state.draw === "smooth";
    const image = smooth
      ? Paint.smooth(codes, cols, maximum, range, colors, SMOOTH)
      : Paint.patches(codes, cols, maximum, range, colors);
    const context = fill(canvas, image, smooth);
    if (!smooth) Marks.clipped(context, codes, cols, maximum, range);
    if (state.keep < 100) Marks.kept(context, Threshold.mask(codes, state.keep), cols);
    if (lines.hidden) return;
    size(lines);
    Marks.outline(Paint.context(lines), Norms.outliers(Norms.after(chunk, shown.row)), cols, 2);
  }

  /**
   * Size a canvas to its box on the screen, which clears it.
   * @param {HTMLCanvasElement} canvas
   */
  function size(canvas) {
    const ratio = window.devicePixelRatio || 1;
    const box = (canvas.parentElement ?? canvas).getBoundingClientRect();
    canvas.width = Math.max(1, Math.round(box.width * ratio));
    canvas.height = Math.max(1, Math.round(box.height * ratio));
  }

  /**
   * Fill a canvas, sized to its box on the screen, with an image.
   * @param {HTMLCanvasElement} canvas
   * @param {ImageData} image
   * @param {boolean} [smooth]
   */
  function fill(canvas, image, smooth = false) {
    size(canvas);
    const context = Paint.context(canvas);
    context.imageSmoothingEnabled = smooth;
    context.drawImage(Paint.canvas(image), 0, 0, canvas.width, canvas.height);
    return context;
  }

  /**
   * @param {HTMLElement} element
   * @param {PageData} page
   * @param {Grid | null} model whose patch is marked; null for the place alone
   * @param {Place | null} place
   */
  function mark(element, page, model, place) {
    const across = 100 / page.width;
    const down = 100 / page.height;
    const patch = model && place && Places.patchAt(model, place);
    element.hidden = !place || Boolean(model && !patch);
    element.classList.toggle("stage-cross", !model);
    if (!place) return;
    if (!model) Dom.place(element, place.x * across, place.y * down, 0, 0, "%");
    if (!model || !patch) return;
    const box = Places.box(model, patch);
    Dom.place(
      element, box.left * across, box.top * down, box.width * across, box.height * down, "%",
    );
  }

  /**
   * @param {number} value
   * @param {number} largest
   */
  function clamp(value, largest) {
    return Math.min(largest, Math.max(0, value));
  }

  return { create, cover, draw, fill, layers, listen, mark, walk };
})();
