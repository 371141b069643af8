"use strict";

// Checkpoints of one model along its training: one column, of which a slider chooses the step; or
// all steps side by side.

const Sweeps = (() => {
  /**
   * The step of each sweep that is chosen when nobody chose: the last.
   * @param {PageData} page
   */
  function last(page) {
    return page.sweeps.map((sweep) => sweep.steps[sweep.steps.length - 1].step);
  }

  /**
   * Read the steps of an address; a step that is not there is the last.
   * @param {string | null} text
   * @param {PageData} page
   */
  function read(text, page) {
    const given = (text ?? "").split(",");
    return last(page).map((step, i) => {
      const found = page.sweeps[i].steps.find((each) => String(each.step) === given[i]);
      return found ? found.step : step;
    });
  }

  /**
   * Whether a model has a column: those that are not the chosen step of their sweep have none.
   * @param {PageData} page
   * @param {Pick<State, "steps" | "spread">} state
   * @param {number} index of the model
   */
  function shows(page, state, index) {
    return (
      state.spread ||
      page.sweeps.every((sweep, i) =>
        sweep.steps.every((each) => each.model !== index || each.step === state.steps[i]),
      )
    );
  }

  /**
   * The models whose maps share one scale with those of a model: the steps of its sweep.
   * @param {PageData} page
   * @param {number} index of the model
   */
  function family(page, index) {
    const sweep = page.sweeps.find((each) => each.steps.some((step) => step.model === index));
    return sweep ? sweep.steps.map((step) => step.model) : [index];
  }

  /**
   * @param {PageData} page
   * @param {(patch: Partial<State>, how: "push" | "walk" | "replace") => void} set
   * @param {() => State} get
   */
  function create(page, set, get) {
    const spread = document.getElementById("spread");
    spread?.addEventListener("click", () => set({ spread: !get().spread }, "push"));
    const sliders = page.sweeps.map((sweep, i) => {
      const root = Dom.find(document, `[data-sweep="${i}"]`);
      const input = root.querySelector("input");
      const output = root.querySelector(".chosen-step");
      if (!input || !output) throw new Error("A sweep needs a slider and its number.");
      const buttons = [...root.querySelectorAll("button")];
      input.addEventListener("input", () => choose(i, Number(input.value)));
      for (const button of buttons) {
        button.addEventListener("click", () => choose(i, place(i) + Number(button.dataset.by)));
      }
      return { sweep, input, output, buttons };
    });

    /**
     * The place of the chosen step among those of its sweep.
     * @param {number} i
     */
    function place(i) {
      return page.sweeps[i].steps.findIndex((each) => each.step === get().steps[i]);
    }

    /**
     * @param {number} i sweep
     * @param {number} to place of the step
     */
    function choose(i, to) {
      const chosen = page.sweeps[i].steps[to];
      if (!chosen) return;
      set({ steps: get().steps.map((step, n) => (n === i ? chosen.step : step)), spread: false }, "walk");
    }

    return {
      /** @param {State} state */
      update(state) {
        if (!page.sweeps.length) return;
        spread?.setAttribute("aria-pressed", String(state.spread));
        sliders.forEach(({ sweep, input, output, buttons }, i) => {
          const at = place(i);
          const count = sweep.steps.length;
          const said = `step ${state.steps[i]}`;
          input.value = String(at);
          input.setAttribute("aria-valuetext", `${said}, ${at + 1} of ${count}`);
          output.textContent = state.spread ? `all ${count} steps` : said;
          for (const button of buttons) {
            const next = at + Number(button.dataset.by);
            button.setAttribute("aria-disabled", String(next < 0 || next >= count));
          }
        });
        page.models.forEach((_, index) => reveal(index, shows(page, state, index)));
        const count = page.models.filter((_, index) => shows(page, state, index)).length;
        for (const columns of document.querySelectorAll(".columns")) {
          if (columns instanceof HTMLElement) columns.dataset.count = String(Math.min(10, count));
        }
      },
    };
  }

  /**
   * @param {number} index of a model
   * @param {boolean} shown
   */
  function reveal(index, shown) {
    const places = ["data-model", "data-tile-column", "data-wall", "data-study"];
    const selector = places.map((name) => `[${name}="${index}"]`).join(",");
    for (const element of document.querySelectorAll(selector)) {
      if (element instanceof HTMLElement) element.hidden = !shown;
    }
  }

  return { create, family, last, read, shows };
})();
