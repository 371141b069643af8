"use strict";

// The search of the index and the layer of its hero, kept in the URL's fragment, and the images that match. Pure.

const IndexState = (() => {
  /** @type {Search} */
  const NOTHING = { sort: "", group: "", name: "" };
  const compare = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare;

  /**
   * @param {string} fragment
   * @returns {Search}
   */
  function parse(fragment) {
    const fields = new URLSearchParams(fragment.replace(/^#/, ""));
    return {
      sort: fields.get("sort") ?? "",
      group: fields.get("group") ?? "",
      name: fields.get("name") ?? "",
    };
  }

  /**
   * @param {Search} search
   * @param {string} depth of the hero, as `depth` reads it
   */
  function format(search, depth) {
    const fields = new URLSearchParams(Object.entries({ ...search, layer: depth }).filter(([, value]) => value));
    return String(fields);
  }

  /**
   * The layer that the hero shows; empty for its own.
   * @param {string} fragment
   */
  function depth(fragment) {
    return new URLSearchParams(fragment.replace(/^#/, "")).get("layer") ?? "";
  }

  /** @param {Search} search */
  function isNothing(search) {
    return !search.sort && !search.group && !search.name.trim();
  }

  /**
   * Text without case and accents, so that "cafe" finds "Café".
   * @param {string} text
   */
  function plain(text) {
    return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  }

  /**
   * The matching images in the chosen order. Images without the number come last.
   * @param {IndexData} data
   * @param {Search} search
   */
  function select(data, search) {
    const words = plain(search.name).split(/\s+/).filter(Boolean);
    const found = data.images.filter((image) => {
      const text = plain(`${image.title} ${image.name}`);
      const inGroup = !search.group || image.group === Number(search.group);
      return inGroup && words.every((word) => text.includes(word));
    });
    if (search.sort === "name") found.sort((a, b) => compare(a.title, b.title));
    const place = sortedBy(data, search);
    if (place < 0) return found;
    const sign = search.sort.endsWith("-up") ? 1 : -1;
    return found.sort((a, b) => order(a.values[place], b.values[place], sign));
  }

  /**
   * Index of the statistic that a search sorts by; -1 for none.
   * @param {IndexData} data
   * @param {Search} search
   */
  function sortedBy(data, search) {
    const [, id] = /^([\w-]+)-(?:up|down)$/.exec(search.sort) ?? [];
    return data.statistics.findIndex((statistic) => statistic.id === id);
  }

  /**
   * @param {number | null} a
   * @param {number | null} b
   * @param {1 | -1} sign
   */
  function order(a, b, sign) {
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    return sign * (a - b);
  }

  return { NOTHING, parse, format, depth, isNothing, select, sortedBy };
})();
