"use strict";

// One picture on the page: the photograph alone, or with a model's chosen map over the box of the
// original that its patches cover.

const Stages = (() => {
  /** Pixels per patch of an interpolated map. */
  const SMOOTH = 8;

  /**
   * @param {HTMLElement} root
   * @param {PageData} page
   * @param {PageModel | null} model null for the photograph alone
   * @param {StageActions} actions
   * @returns {Stage}
   */
  function create(root, page, model, actions) {
    const crop = model ? Places.crop(page) : Places.whole(page);
    shape(root, page, crop);
    const parts = build(root, crop, page, model);
    /** @type {(() => void) | null} */
    let redraw = null;

    listen(root, crop, actions);
    if (model) {
      walk(root, actions);
      Lifetime.resized(parts.box, () => redraw?.());
    }

    return {
      update(view, state, shown, place) {
        const drawn = shown.kind === "map" || shown.kind === "cosine";
        mark(parts.mark, crop, model, drawn || !model ? place : null);
        mark(parts.query, crop, model, State.origin(page, state));
        if (!view) return;
        const without = shown.kind === "absent" || shown.kind === "failed";
        root.classList.toggle("stage-absent", without);
        root.classList.toggle("stage-broken", shown.kind === "failed");
        root.classList.toggle("stage-loading", shown.kind === "loading");
        parts.message.textContent = without ? shown.reason : "";
        parts.canvas.hidden = !drawn;
        parts.canvas.style.opacity = String(state.strength / 100);
        redraw = () => draw(parts, view, state, shown);
        redraw();
      },
    };
  }

  /**
   * Show a part of the picture.
   * @param {HTMLElement} root
   * @param {PageData} page
   * @param {Box} crop
   */
  function shape(root, page, crop) {
    root.style.aspectRatio = String(crop.width / crop.height);
    const photo = root.querySelector(".stage-photo");
    if (!(photo instanceof HTMLElement)) return;
    const [across, down] = [100 / crop.width, 100 / crop.height];
    Dom.place(photo, -crop.left * across, -crop.top * down, page.width * across, page.height * down, "%");
  }

  /**
   * @param {HTMLElement} root
   * @param {Box} crop
   * @param {Pick<StageActions, "point" | "pin">} actions
   */
  function listen(root, crop, actions) {
    /** @param {MouseEvent} event */
    function placeAt(event) {
      const box = root.getBoundingClientRect();
      const x = clamp((event.clientX - box.left) / box.width);
      const y = clamp((event.clientY - box.top) / box.height);
      return { x: crop.left + x * crop.width, y: crop.top + y * crop.height };
    }
    for (const kind of /** @type {const} */ (["pointerdown", "pointermove"])) {
      root.addEventListener(kind, (event) => actions.point(placeAt(event)));
    }
    for (const kind of ["pointerleave", "pointercancel"]) {
      root.addEventListener(kind, () => actions.point(null));
    }
    root.addEventListener("click", (event) => actions.pin(placeAt(event), event.shiftKey));
  }

  /**
   * Arrow keys move over the patches; Enter and Space act as a click.
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
      if (event.altKey || event.metaKey || event.ctrlKey) return;
      const enter = event.key === "Enter" || event.key === " ";
      if (!enter && !steps[event.key]) return;
      event.preventDefault();
      if (enter) actions.enter(event.shiftKey);
      else actions.step(steps[event.key], event.shiftKey);
    });
  }

  /**
   * @param {HTMLElement} root
   * @param {Box} crop
   * @param {PageData} page
   * @param {PageModel | null} model
   */
  function build(root, crop, page, model) {
    const { box, canvas, lines } = layers();
    const mark = Dom.make("div", { class: "stage-mark", hidden: "" });
    const query = Dom.make("div", { class: "stage-mark stage-query", hidden: "" });
    const message = Dom.make("p", { class: "stage-message" });
    root.append(box, query, mark, message);
    if (model) {
      cover(box, crop, model);
      const [left, top, right, bottom] = model.view;
      const [far, low] = [crop.left + crop.width, crop.top + crop.height];
      const whole = left <= crop.left && top <= crop.top && right >= far && bottom >= low;
      root.classList.toggle("stage-part", !whole);
      root.tabIndex = 0;
      root.setAttribute("role", "application");
      root.setAttribute("aria-roledescription", "attention map");
      root.setAttribute(
        "aria-label",
        `${model.label}: the chosen map over the picture. Arrow keys move over its patches, Enter shows what a patch looks at.`,
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
   * @param {Box} crop
   * @param {Grid} grid
   */
  function cover(box, crop, grid) {
    const [left, top, right, bottom] = grid.view;
    const [across, down] = [100 / crop.width, 100 / crop.height];
    const [x, y] = [(left - crop.left) * across, (top - crop.top) * down];
    Dom.place(box, x, y, (right - left) * across, (bottom - top) * down, "%");
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
    if (shown.kind === "cosine") {
      fill(canvas, Diverging.image(shown.values, view.model.measured[1], 1), state.draw === "smooth");
      return;
    }
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
   * @param {Box} crop
   * @param {Grid | null} model whose patch is marked; null for the place alone
   * @param {Place | null} place
   */
  function mark(element, crop, model, place) {
    const across = 100 / crop.width;
    const down = 100 / crop.height;
    const patch = model && place && Places.patchAt(model, place);
    element.hidden = !place || Boolean(model && !patch);
    element.classList.toggle("stage-cross", !model);
    if (!place) return;
    if (!model) Dom.place(element, (place.x - crop.left) * across, (place.y - crop.top) * down, 0, 0, "%");
    if (!model || !patch) return;
    const box = Places.box(model, patch);
    const [x, y] = [(box.left - crop.left) * across, (box.top - crop.top) * down];
    Dom.place(element, x, y, box.width * across, box.height * down, "%");
  }

  /** @param {number} share */
  function clamp(share) {
    return Math.min(1, Math.max(0, share));
  }

  return { create, cover, shape, draw, fill, layers, listen, mark, walk };
})();
