"use strict";

// A whole site in one file. The front page is in the body, the other pages in templates, pictures and
// numbers in blocks of text. The fragment holds the page that is shown and the choices on it. Each
// visit to a page makes a new copy of its template.

const Single = (() => {
  const HOME = "index";
  /** Time after which a page has its numbers. */
  const SETTLED_MS = 2000;
  /** @type {Map<string, number>} scroll position of each page, in pixels */
  const left = new Map();

  function start() {
    const held = document.getElementById("held");
    if (!held) return;
    keepHome(held);
    const { name, template } = wanted(held);
    document.body.dataset.page = name;
    if (name !== HOME) show(held, template);
    fill(document.body);
    const to = new URLSearchParams(location.hash.slice(1)).get("to");
    if (to) {
      history.scrollRestoration = "manual";
      document.getElementById(to)?.scrollIntoView();
    }
    follow(held);
    document.documentElement.classList.remove("turning");
  }

  /**
   * Make the front page, before scripts change it, a template like the others; they share its pictures.
   * @param {HTMLElement} held
   */
  function keepHome(held) {
    const home = document.createElement("template");
    home.dataset.page = HOME;
    home.dataset.kind = document.body.className;
    home.dataset.title = document.title;
    // a copy in the template's document, where nothing is loaded
    const inert = home.content.ownerDocument;
    for (let node = document.body.firstChild; node && node !== held; node = node.nextSibling) {
      home.content.append(inert.importNode(node, true));
    }
    held.prepend(home);
    for (const image of document.querySelectorAll("img[data-file]")) {
      if (image instanceof HTMLImageElement) Files.know(image.dataset.file ?? "", image.src);
    }
  }

  /**
   * The page that the address names; the front page if there is no such page.
   * @param {HTMLElement} held
   */
  function wanted(held) {
    const name = new URLSearchParams(location.hash.slice(1)).get("page") || HOME;
    return templateOf(held, name) ?? /** @type {Held} */ (templateOf(held, HOME));
  }

  /**
   * @typedef {{name: string, template: HTMLTemplateElement}} Held
   * @param {HTMLElement} held
   * @param {string} name
   * @returns {Held | null}
   */
  function templateOf(held, name) {
    const template = held.querySelector(`template[data-page="${CSS.escape(name)}"]`);
    return template instanceof HTMLTemplateElement ? { name, template } : null;
  }

  /**
   * Change the page on links and on moves in the history.
   * @param {HTMLElement} held
   */
  function follow(held) {
    /** @type {string | null} the fragment of the link that was followed last */
    let linked = null;
    document.addEventListener("click", (event) => {
      // links of charts are elements of SVG
      const link = event.target instanceof Element ? event.target.closest("a[href^='#']") : null;
      const address = link?.getAttribute("href");
      if (!address) return;
      if (address.includes("page=")) linked = new URL(address, location.href).hash;
      else jump(event, address.slice(1));
    });
    function moved() {
      const byLink = linked === location.hash;
      linked = null;
      const page = wanted(held);
      const shown = document.body.dataset.page ?? HOME;
      if (page.name === shown) return;
      history.scrollRestoration = "manual";
      left.set(shown, window.scrollY);
      Lifetime.turn(() => {
        Files.forget();
        show(held, page.template);
        document.body.dataset.page = page.name;
        fill(document.body);
      });
      arrive(byLink ? 0 : (left.get(page.name) ?? 0));
    }
    // before the scripts of a page run: they must not read choices of another page
    window.addEventListener("popstate", moved);
    window.addEventListener("hashchange", moved);
    // after a reload, the scroll position is restored
    window.addEventListener("pagehide", () => (history.scrollRestoration = "auto"));
  }

  /**
   * Replace the page that is shown.
   * @param {HTMLElement} held
   * @param {HTMLTemplateElement} template
   */
  function show(held, template) {
    while (document.body.firstChild !== held) document.body.firstChild?.remove();
    document.body.className = template.dataset.kind ?? "";
    document.title = template.dataset.title ?? document.title;
    document.documentElement.classList.remove("ready");
    held.before(document.importNode(template.content, true));
  }

  /**
   * Scroll to the position in a new page, and announce it to screen readers.
   * @param {number} top pixels from the top
   */
  function arrive(top) {
    const to = new URLSearchParams(location.hash.slice(1)).get("to");
    const target = to ? document.getElementById(to) : null;
    focus(target ?? document.querySelector("h1"));
    const scroll = () => {
      if (target && !top) target.scrollIntoView({ behavior: "instant" });
      else window.scrollTo({ top, behavior: "instant" });
    };
    scroll();
    hold(scroll);
  }

  /**
   * Keep the scroll position while scripts make the page longer, until the reader does something.
   * @param {() => void} scroll
   */
  function hold(scroll) {
    const over = new AbortController();
    const observer = new ResizeObserver(scroll);
    observer.observe(document.body);
    const stop = () => over.abort();
    const settled = setTimeout(stop, SETTLED_MS);
    over.signal.addEventListener("abort", () => {
      observer.disconnect();
      clearTimeout(settled);
    });
    for (const kind of ["wheel", "pointerdown", "touchstart", "keydown"]) {
      window.addEventListener(kind, stop, { capture: true, passive: true, signal: over.signal });
    }
    Lifetime.signal().addEventListener("abort", stop, { signal: over.signal });
  }

  /** @param {Element | null} element */
  function focus(element) {
    if (!(element instanceof HTMLElement)) return;
    if (!element.hasAttribute("tabindex")) element.tabIndex = -1;
    element.focus({ preventScroll: true });
  }

  /**
   * Set the addresses of pictures and downloads.
   * @param {HTMLElement} root
   */
  function fill(root) {
    for (const element of root.querySelectorAll("[data-file]")) {
      const address = () => Files.address(element.getAttribute("data-file") ?? "");
      if (element instanceof HTMLImageElement && !element.src) element.src = address();
      if (element instanceof HTMLAnchorElement) element.href = address();
      if (element instanceof SVGImageElement) element.setAttribute("href", address());
    }
  }

  /**
   * Scroll to an element of the page; the fragment keeps the page and the choices.
   * @param {Event} event
   * @param {string} id
   */
  function jump(event, id) {
    const target = document.getElementById(id);
    if (!target) return;
    event.preventDefault();
    target.scrollIntoView();
    focus(target);
  }

  return { start };
})();

Single.start();
