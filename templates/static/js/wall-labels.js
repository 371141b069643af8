"use strict";

// The numbers of layers and heads along a wall, and the words for its chosen cell.

const WallLabels = (() => {
  /** Labels closer than this, in pixels, are thinned out. */
  const CLOSE = 17;
  /** In cells narrower than this, mean and max would overlap. */
  const WIDE = 36;

  /**
   * Show the chosen label, and as many of the others as fit.
   * @param {HTMLElement[]} labels
   * @param {number} chosen index of the chosen one; -1 when it does not exist here
   * @param {number} room pixels per label
   */
  function thin(labels, chosen, room) {
    const step = [1, 2, 4, 8].find((each) => each * room >= CLOSE) ?? 16;
    labels.forEach((element, index) => {
      const number = Number(element.textContent);
      const regular = Number.isNaN(number) || step === 1 || number === 1 || number % step === 0;
      const near = chosen >= 0 && Math.abs(index - chosen) * room < CLOSE;
      // the first regular one may be too close to 1
      const crowded = number === step && step > 1 && room * (step - 1) < CLOSE;
      element.classList.toggle("chosen", index === chosen);
      element.hidden = index !== chosen && (!regular || near || crowded);
    });
  }

  /**
   * A map in words, for screen readers.
   * @param {Chunk | null} chunk
   * @param {State} state
   * @param {PageModel} model
   */
  function describe(chunk, state, model) {
    const name = `${Words.sentence(Words.layerOf(model, state.layer))}, ${Words.head(state.head)}`;
    const row = chunk ? chunk.header.rows.indexOf(state.layer) : -1;
    // a model that lacks the query still has the chunk of its last query
    if (!chunk || row < 0 || chunk.header.query !== state.query) return name;
    const column = Words.columnOf(chunk, state.head);
    const maximum = chunk.header.maxima[row][column];
    const patches = chunk.header.mass[row][column]?.at(-1);
    if (maximum == null) {
      if (!chunk.self && Words.isCut(model, state.layer, state.head)) return `${name}: ${model.cut}`;
      return `${name}: ${chunk.self ? "patches have the mean over heads only" : "none in this model"}`;
    }
    // a maximum over heads has no shares
    const share = patches == null ? "" : `${Numbers.percent(patches)} on patches, `;
    return `${name}: ${share}at most ${Numbers.number(maximum)} times uniform`;
  }

  return { WIDE, thin, describe };
})();
