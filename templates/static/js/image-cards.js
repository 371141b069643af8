"use strict";

// Image cards of the index built from data: the same elements as templates/macros/parts.html.jinja2 writes.

const ImageCards = (() => {
  const MAP_WIDTH = 256;

  /**
   * @param {IndexData} data
   * @param {IndexImage} image
   * @param {string} root
   */
  function make(data, image, root) {
    const maps = image.maps.map((map, i) => mapItem(data, data.models[i], image, map, root));
    return Dom.make("li", { class: "image-card" }, [
      Dom.make("div", { class: "image-card-picture" }, [picture(data, image, root), ...strip(image, root)]),
      Dom.make("div", { class: "image-card-text" }, text(data, image, root)),
      Dom.make("ul", { class: "image-card-maps" }, maps),
    ]);
  }

  /**
   * @param {IndexData} data
   * @param {IndexImage} image
   * @param {string} root
   */
  function picture(data, image, root) {
    if (image.failure !== null) return notice(data.reasons[image.failure]);
    if (image.thumb.length === 0) {
      return Dom.make("p", { class: "notice" }, ["The picture could not be published."]);
    }
    const [hash, width, height] = image.thumb;
    return img(Files.address(`${root}i/${part(image.slug)}/thumb.${hash}.webp`), width, height, image.alt);
  }

  /**
   * A few frames of a sequence.
   * @param {IndexImage} image
   * @param {string} root
   */
  function strip({ sequence, thumb }, root) {
    if (!sequence || sequence.strip.length === 0 || thumb.length === 0) return [];
    const frames = sequence.strip.map(([slug, hash]) =>
      img(Files.address(`${root}i/${part(slug)}/thumb.${hash}.webp`), thumb[1], thumb[2], ""),
    );
    return [Dom.make("div", { class: "image-card-strip" }, frames)];
  }

  /**
   * @param {IndexData} data
   * @param {IndexImage} image
   * @param {string} root
   */
  function text(data, image, root) {
    const page = image.sequence ? `q/${part(image.sequence.slug)}` : `i/${part(image.slug)}`;
    const url = image.slug && Files.link(`${root}${page}/index.html`);
    const title = url ? Dom.make("a", { href: url }, [image.title]) : image.title;
    const parts = [Dom.make("h3", { class: "image-card-title" }, [title])];
    const summary = image.sequence?.summary;
    if (summary) parts.push(Dom.make("p", { class: "image-card-summary" }, [summary]));
    const credit = data.credits[image.credit];
    if (credit.text || credit.source) parts.push(creditLine(credit));
    if (image.figures) parts.push(Dom.make("p", { class: "image-card-figures" }, [image.figures]));
    return parts;
  }

  /** @param {{text: string, source: string}} credit */
  function creditLine(credit) {
    const line = Dom.make("p", { class: "credit" }, [credit.text]);
    if (!credit.source) return line;
    const link = { href: credit.source, rel: "noopener noreferrer" };
    line.append(credit.text ? " " : "", Dom.make("a", link, ["source"]));
    return line;
  }

  /**
   * @param {IndexData} data
   * @param {IndexModel} model
   * @param {IndexImage} image
   * @param {IndexMap} map
   * @param {string} root
   */
  function mapItem(data, model, image, map, root) {
    const label = Dom.make("span", { class: "image-card-label" }, [model.label]);
    if (typeof map === "number") {
      const reason = data.reasons[map].message;
      const missing = { class: "map map-missing", title: reason };
      const why = Dom.make("span", {}, [reason]);
      return Dom.make("li", {}, [Dom.make("div", missing, [why]), label]);
    }
    const [hash, height, share, maximum] = map;
    const url = `${root}data/${part(model.slug)}/${part(image.slug)}.last.${hash}.png`;
    const shown = img(Files.address(url), MAP_WIDTH, height || MAP_WIDTH, alt(model, share, maximum));
    shown.className = "map";
    return Dom.make("li", {}, [shown, label]);
  }

  /**
   * The same sentence as map_alt in generator/present/pages/wording.py.
   * @param {IndexModel} model
   * @param {number} share
   * @param {number} maximum
   */
  function alt(model, share, maximum) {
    return (
      `${model.label}, layer ${model.row}, mean over heads: ${Numbers.percent(share)} of the ` +
      `${model.what} is on patches, at most ${Numbers.number(maximum)} times uniform on one.`
    );
  }

  /**
   * @param {string} src
   * @param {number} width
   * @param {number} height
   * @param {string} words
   */
  function img(src, width, height, words) {
    const size = { width: String(width), height: String(height) };
    return Dom.make("img", { loading: "lazy", ...size, alt: words, src });
  }

  /** @param {{message: string, hint: string}} reason */
  function notice(reason) {
    const parts = [Dom.make("p", {}, [reason.message])];
    if (reason.hint) parts.push(Dom.make("p", { class: "notice-hint" }, [reason.hint]));
    return Dom.make("div", { class: "notice", role: "note" }, parts);
  }

  /** @param {string} slug */
  function part(slug) {
    return encodeURIComponent(slug);
  }

  return { make };
})();
