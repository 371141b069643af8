"use strict";

// Checkpoints of one model along its training: one column with a slider for the step, or all steps
// side by side.

const SweepSliders = (() => {
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
     * The index of the chosen step in its sweep.
     * @param {number} i
     */
    function place(i) {
      return page.sweeps[i].steps.findIndex((each) => each.step === get().steps[i]);
    }

    /**
     * @param {number} i sweep
     * @param {number} to index of the step
     */
    function choose(i, to) {
      const chosen = page.sweeps[i].steps[to];
      if (!chosen) return;
      set({ steps: get().steps.map((step, n) => (n === i ? chosen.step : step)), spread: false }, "walk");
    }

    return {
      /** @param {State} state */
      update(state) {
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
        page.models.forEach((_, index) => reveal(index, Sweeps.shows(page, state, index)));
      },
    };
  }

  /**
   * @param {number} index of a model
   * @param {boolean} shown
   */
  function reveal(index, shown) {
    const places = ["data-model", "data-reading", "data-numbers", "data-tile-column", "data-wall", "data-study"];
    const selector = places.map((name) => `[${name}="${index}"]`).join(",");
    for (const element of document.querySelectorAll(selector)) {
      if (element instanceof HTMLElement) element.hidden = !shown;
    }
  }

  return { create };
})();
