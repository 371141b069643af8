"use strict";

// The command that draws the current view for a paper.

const FigureCommand = (() => {
  /**
   * @param {PageData} page
   * @param {ModelView[]} views
   * @param {State[]} states what each model shows of the state
   * @param {State} state
   */
  function text(page, views, states, state) {
    const pair = state.view === "pair";
    const shown = views
      .map((view, i) => ({ model: view.model, at: states[i] }))
      .filter(({ model }) => !pair || model.slug === state.a || model.slug === state.b);
    const words = ["attention-gallery", "figure", ".", "-i", page.slug];
    for (const { model } of shown) words.push("-m", model.slug);
    if (state.view === "heads") words.push("--rows", "heads", "--layers", state.layer, "--heads", "all");
    else if (state.view === "layers") words.push("--rows", "layers", "--layers", "all", "--heads", state.head);
    else {
      words.push("--layers", state.layer, "--heads", state.head);
      for (const { model, at } of shown) {
        const own = at.layer !== state.layer || at.head !== state.head;
        if (own) words.push("--place", model.slug, at.layer, at.head);
      }
    }
    words.push("--queries", query(page, state), "--overlay", String(state.strength));
    if (state.scale !== "shared") words.push("--scale", state.scale);
    // where each map has its own scale, the command's own choices are other ones
    if (state.form !== "log2" || state.scale === "map") words.push("--form", state.form);
    if (state.clip !== 0.5 || state.scale === "map") words.push("--clip", String(state.clip));
    if (state.keep < 100) words.push("--keep", String(state.keep));
    words.push("-o", `${name(page, state)}.pdf`);
    return words.map(quoted).join(" ");
  }

  /**
   * The parts of the view that the command has no option for; empty if there are none.
   * @param {State} state
   */
  function without(state) {
    const parts = [
      state.outliers === "outline" ? "no outlines of outliers" : "",
      state.draw === "smooth" ? "squares" : "",
      state.view === "pair" && state.how === "difference" ? "both maps without their difference" : "",
      ["heads", "layers"].includes(state.view) && state.order !== "number" ? "maps in the order of their numbers" : "",
    ];
    return parts.filter(Boolean).join(", ");
  }

  /**
   * @param {PageData} page
   * @param {State} state
   */
  function query(page, state) {
    const place = State.origin(page, state);
    return place ? `at-${place.x.toFixed(1)}-${place.y.toFixed(1)}` : state.query;
  }

  /**
   * @param {PageData} page
   * @param {State} state
   */
  function name(page, state) {
    const plain = page.slug.replace(/[^A-Za-z0-9-]+/g, "-").replace(/^-+/, "");
    return `${plain || "figure"}-layer-${state.layer}-head-${state.head}`;
  }

  /**
   * A word as a shell reads it.
   * @param {string} word
   */
  function quoted(word) {
    return /^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
  }

  return { text, without };
})();
