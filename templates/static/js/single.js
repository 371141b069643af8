"use strict";

// A whole site in one file. The front page stands in the body; the other pages wait in templates,
// pictures and numbers in blocks of text. The fragment says which page is shown and what is chosen
// on it. A page is turned by loading the file again, so every page starts afresh, as in a folder.

const Single = (() => {
  const HOME = "index";

  function start() {
    const held = document.getElementById("held");
    if (!held) return;
    remember();
    const wanted = pageOf(location.hash);
    const template = wanted === HOME ? null : templateOf(held, wanted);
    document.body.dataset.page = template ? wanted : HOME;
    if (template) show(held, template);
    fill(document.body);
    const to = new URLSearchParams(location.hash.slice(1)).get("to");
    if (to) {
      history.scrollRestoration = "manual";
      document.getElementById(to)?.scrollIntoView();
    }
    let followed = false;
    document.addEventListener("click", (event) => {
      // links of charts are elements of SVG
      const link = event.target instanceof Element ? event.target.closest("a[href^='#']") : null;
      const address = link?.getAttribute("href");
      if (!address) return;
      if (address.includes("page=")) followed = true;
      else jump(event, address.slice(1));
    });
    window.addEventListener("hashchange", () => {
      if (pageOf(location.hash) === wanted) return;
      // a page that was asked for starts at its top; one that is gone back to, where it was left
      if (followed) window.scrollTo({ top: 0, behavior: "instant" });
      location.reload();
    });
    document.documentElement.classList.remove("turning");
  }

  /** @param {string} fragment */
  function pageOf(fragment) {
    return new URLSearchParams(fragment.replace(/^#/, "")).get("page") || HOME;
  }

  /**
   * @param {HTMLElement} held
   * @param {string} name
   */
  function templateOf(held, name) {
    const found = held.querySelector(`template[data-page="${CSS.escape(name)}"]`);
    return found instanceof HTMLTemplateElement ? found : null;
  }

  /**
   * Put a page in the place of the front page.
   * @param {HTMLElement} held
   * @param {HTMLTemplateElement} template
   */
  function show(held, template) {
    while (document.body.firstChild !== held) document.body.firstChild?.remove();
    document.body.className = template.dataset.kind ?? "";
    document.title = template.dataset.title ?? document.title;
    held.before(template.content);
  }

  /** The pictures of the front page serve other pages, too. */
  function remember() {
    for (const image of document.querySelectorAll("img[data-file]")) {
      if (image instanceof HTMLImageElement) Files.know(image.dataset.file ?? "", image.src);
    }
  }

  /**
   * Give pictures and files to download their addresses.
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
   * A place on the page itself; the fragment keeps the page and what is chosen.
   * @param {Event} event
   * @param {string} id
   */
  function jump(event, id) {
    const target = document.getElementById(id);
    if (!target) return;
    event.preventDefault();
    target.scrollIntoView();
    if (!target.hasAttribute("tabindex")) target.tabIndex = -1;
    target.focus({ preventScroll: true });
  }

  return { start };
})();

Single.start();
