"use strict";

// Contacts of the index built from data: the same elements as templates/macros/parts.html.jinja2 writes.

const ImageCards = (() => {
  const MAP_WIDTH = 256;

  /**
   * @param {IndexData} data
   * @param {IndexImage} image
   * @param {string} root
   * @param {string} figure the number that is shown; may be empty
   */
  function make(data, image, root, figure) {
    return Dom.make("li", { class: "image-card" }, [
      ...pictures(data, image, root),
      ...words(image, root),
      ...(figure ? [Dom.make("p", { class: "image-card-figure" }, [figure])] : []),
    ]);
  }

  /**
   * @param {IndexData} data
   * @param {IndexImage} image
   * @param {string} root
   */
  function pictures(data, image, root) {
    if (image.failure !== null) return [notice(data.reasons[image.failure])];
    const maps = image.maps.map((map, i) => mapItem(data, data.models[i], image, map, root));
    const first = Dom.make("li", { class: "image-card-picture" }, [picture(image, root)]);
    return [Dom.make("ul", { class: "image-card-maps" }, [first, ...maps]), ...strip(image, root)];
  }

  /**
   * @param {IndexImage} image
   * @param {string} root
   */
  function picture(image, root) {
    if (image.crop.length === 0) return Dom.make("p", { class: "notice" }, ["The picture could not be published."]);
    const [name, width, height] = image.crop;
    return img(Files.address(`${root}i/${part(image.slug)}/${name}.webp`), width, height, image.alt);
  }

  /**
   * A few frames of a sequence.
   * @param {IndexImage} image
   * @param {string} root
   */
  function strip({ sequence }, root) {
    if (!sequence || sequence.strip.length === 0) return [];
    const frames = sequence.strip.map(([slug, hash, width, height]) =>
      img(Files.address(`${root}i/${part(slug)}/thumb.${hash}.webp`), width, height, ""),
    );
    return [Dom.make("div", { class: "image-card-strip" }, frames)];
  }

  /**
   * @param {IndexImage} image
   * @param {string} root
   */
  function words(image, root) {
    const page = image.sequence ? `q/${part(image.sequence.slug)}` : `i/${part(image.slug)}`;
    const url = image.slug && Files.link(`${root}${page}/index.html`);
    const title = url ? Dom.make("a", { href: url }, [image.title]) : image.title;
    const parts = [Dom.make("h3", { class: "image-card-title" }, [title])];
    const summary = image.sequence?.summary;
    if (summary) parts.push(Dom.make("p", { class: "image-card-summary" }, [summary]));
    return parts;
  }

  /**
   * A statistic of every image, by the image: the same words as figure_texts in
   * generator/present/cells/image_statistics.py.
   * @param {IndexData} data
   * @param {number} shown index of the statistic
   */
  function figures(data, shown) {
    const { says, unit } = data.statistics[shown];
    const values = data.images.map((image) => image.values[shown]);
    const texts = Numbers.column(values, unit === "%");
    return new Map(data.images.map((image, i) => [image, values[i] === null ? "" : `${says} ${texts[i]}`.trimStart()]));
  }

  /**
   * @param {IndexData} data
   * @param {IndexModel} model
   * @param {IndexImage} image
   * @param {IndexMap} map
   * @param {string} root
   */
  function mapItem(data, model, image, map, root) {
    if (typeof map === "number") {
      const reason = data.reasons[map].message;
      const missing = { class: "map map-missing", title: reason };
      const why = Dom.make("span", {}, [reason]);
      return Dom.make("li", {}, [Dom.make("div", missing, [why])]);
    }
    const [hash, height, share, maximum] = map;
    const under = data.aligned && image.crop.length ? [picture(image, root)] : [];
    for (const photo of under) {
      photo.className = "under";
      photo.setAttribute("alt", "");
    }
    const url = `${root}data/${part(model.slug)}/${part(image.slug)}.last.${hash}.png`;
    const shown = img(Files.address(url), MAP_WIDTH, height || MAP_WIDTH, alt(model, share, maximum));
    shown.className = "map";
    return Dom.make("li", {}, [...under, shown]);
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
   * @param {string} text
   */
  function img(src, width, height, text) {
    const size = { width: String(width), height: String(height) };
    return Dom.make("img", { loading: "lazy", ...size, alt: text, src });
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

  return { make, figures };
})();
