"use strict";

// Small copies of the large maps, at the edge of the window: they show the result of a click on a small
// map where the large ones are out of sight.

const Peek = (() => {
  /** @returns {{show: () => void, update: () => void}} */
  function create() {
    const maps = Dom.find(document, ".models");
    const list = Dom.make("div", { class: "peek-maps" });
    const close = Dom.make("button", { type: "button", "aria-label": "Close the copies of the chosen maps" }, ["×"]);
    const root = Dom.make("div", { class: "peek", role: "group", "aria-label": "The chosen maps", hidden: "" }, [list, close]);
    Dom.byId("main", HTMLElement).append(root);
    const signal = Lifetime.signal();
    let away = false;

    const watch = new IntersectionObserver(
      ([{ intersectionRatio }]) => {
        away = intersectionRatio < 0.6;
        if (!away) root.hidden = true;
      },
      { threshold: [0, 0.6] },
    );
    watch.observe(maps);
    signal.addEventListener("abort", () => watch.disconnect());
    close.addEventListener("click", hide);
    document.addEventListener("keydown", (event) => event.key === "Escape" && hide(), { signal });

    function hide() {
      root.hidden = true;
    }

    function update() {
      if (root.hidden) return;
      const shown = [...maps.children].filter((each) => each instanceof HTMLElement && !each.hidden);
      list.replaceChildren(...shown.flatMap(copy));
    }

    return {
      /** Called when a small map was clicked. */
      show() {
        root.hidden = !away;
        update();
      },
      update,
    };
  }

  /** @param {Element} article */
  function copy(article) {
    const source = article.querySelector(".stage-map");
    const name = Dom.find(article, "h2").textContent ?? "";
    const says = article.querySelector(".readout-title .visually-hidden")?.textContent ?? "";
    const canvas = document.createElement("canvas");
    if (source instanceof HTMLCanvasElement && !source.hidden && source.width) {
      canvas.width = source.width;
      canvas.height = source.height;
      Paint.context(canvas).drawImage(source, 0, 0);
    }
    const caption = Dom.make("figcaption", {}, [Dom.make("b", {}, [name]), ` ${says}`]);
    return [Dom.make("figure", {}, [canvas, caption])];
  }

  return { create };
})();
