"use strict";

// A color bar and the positions of its numbers.

const ColorBars = (() => {
  /** Numbers closer than this share of the bar would overlap. */
  const NEAR = 0.11;
  /** Pixels that a number such as 1/256 needs. */
  const WIDE = 38;

  /**
   * The numbers at both ends, and those that fit between them.
   * @param {ScaleRange} range
   * @param {number} near share of the bar that a number needs
   * @returns {{x: number, label: string}[]}
   */
  function ticks(range, near = NEAR) {
    const ends = [range.low, range.high].map((times) => ({ x: times === range.low ? 0 : 1, label: write(times) }));
    const between = candidates(range)
      .filter((times) => times > range.low && times < range.high)
      .map((times) => ({ x: Scale.position(times, range), label: write(times) }));
    /** @type {{x: number, label: string}[]} */
    const shown = [ends[0]];
    for (const tick of between) {
      if (tick.x - shown[shown.length - 1].x >= near && 1 - tick.x >= near) shown.push(tick);
    }
    return [...shown, ends[1]];
  }

  /** @param {ScaleRange} range */
  function candidates(range) {
    if (range.form === "log2") {
      const span = Math.log2(range.high / range.low);
      const step = [1, 2, 3, 4, 6, 8].find((each) => span <= 8 * each) ?? 8;
      const first = Math.ceil(Math.log2(range.low) / step) * step;
      return Array.from({ length: 40 }, (_, i) => 2 ** (first + i * step));
    }
    const rough = range.high / (range.form === "sqrt" ? 16 : 5);
    const unit = 10 ** Math.floor(Math.log10(rough));
    const step = ([1, 2, 5].find((each) => each * unit >= rough) ?? 10) * unit;
    return Array.from({ length: 40 }, (_, i) => (i + 1) * step);
  }

  /** @param {number} times */
  function write(times) {
    const octave = Math.log2(times);
    if (times > 0 && times < 1 && Number.isInteger(octave) && octave >= -10) return `1/${2 ** -octave}`;
    return Numbers.number(times);
  }

  /**
   * Print a range's numbers under a bar, as many as its width holds.
   * @param {HTMLElement} bar
   * @param {ScaleRange} range
   */
  function update(bar, range) {
    const root = Dom.any(bar, ".bar-ticks");
    const near = Math.max(NEAR, WIDE / (root.getBoundingClientRect().width || Infinity));
    const key = `${range.low} ${range.high} ${range.form} ${Math.round(100 * near)}`;
    if (bar.dataset.range === key) return;
    bar.dataset.range = key;
    const shown = ticks(range, near);
    const labels = `from ${shown[0].label} to ${shown[shown.length - 1].label}`;
    bar.setAttribute("aria-label", `Color scale, times uniform, ${range.form}, ${labels}`);
    root.replaceChildren(
      ...shown.flatMap(({ x, label }) => {
        const at = `${100 * x}%`;
        const text = svg(root, "text", { x: at, y: "16" });
        text.textContent = label;
        return [svg(root, "line", { x1: at, x2: at, y1: "0", y2: "4" }), text];
      }),
    );
  }

  /**
   * @param {Element} root
   * @param {string} tag
   * @param {Record<string, string>} attributes
   */
  function svg(root, tag, attributes) {
    const element = document.createElementNS(root.namespaceURI, tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    return element;
  }

  return { ticks, write, update };
})();
