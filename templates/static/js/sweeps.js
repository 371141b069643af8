"use strict";

// Checkpoints of one model along its training: which have a column, and which share a scale.

const Sweeps = (() => {
  /**
   * The default step of each sweep: the last.
   * @param {PageData} page
   */
  function last(page) {
    return page.sweeps.map((sweep) => sweep.steps[sweep.steps.length - 1].step);
  }

  /**
   * Read the steps of an address; a missing step becomes the last.
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
   * Whether a model has a column; in a sweep only the chosen step has one.
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
   * The models that share a scale with a model: the steps of its sweep.
   * @param {PageData} page
   * @param {number} index of the model
   */
  function family(page, index) {
    const sweep = page.sweeps.find((each) => each.steps.some((step) => step.model === index));
    return sweep ? sweep.steps.map((step) => step.model) : [index];
  }

  return { family, last, read, shows };
})();
