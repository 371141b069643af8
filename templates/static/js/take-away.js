"use strict";

// Sharing of a view: its address, its caption, its picture, its command.

const TakeAway = (() => {
  /** Height of the legend above embedded maps, in pixels. */
  const EMBED_BAR = 64;
  const GROUP = "take-away";

  /**
   * @param {PageData} page
   * @param {{caption: () => string, command: () => {text: string, without: string}, panels: () => ReturnType<typeof Figure.panels>, name: () => string}} what
   *   called once their scripts are loaded
   */
  function create(page, what) {
    const says = Dom.byId("taken", HTMLElement);
    const text = Dom.byId("taken-text", HTMLTextAreaElement);
    Dom.byId("copy-link", HTMLElement).addEventListener("click", () =>
      copy(location.href, "The link is copied."),
    );
    Dom.byId("copy-embed", HTMLElement).addEventListener("click", () =>
      copy(embedText(page), "The iframe is copied; paste it into a page."),
    );
    on("copy-caption", () => copy(what.caption(), "The caption is copied."));
    on("copy-figure", () => {
      const { text: words, without } = what.command();
      const but = without ? ` It draws ${without}.` : "";
      copy(words, `The command is copied; run it in the folder of this site.${but}`);
    });
    on("save-png", () => {
      const caption = `${what.caption()} ${page.credit}`.trim();
      const models = page.models.filter((model) => !model.failure).length;
      const canvas = Figure.compose(what.panels(), caption, Paint.table(page.colors), models);
      const without = Figure.readable()
        ? ""
        : " Maps are without the photograph, which a page opened from a folder may not read: serve the folder to have it.";
      Figure.save(canvas, what.name()).then(() => say(`The picture is saved.${without}`));
    });
    // loaded when the pointer is over the button: some browsers copy only during the click itself
    const bar = Dom.find(document, ".take-away");
    for (const kind of ["pointerenter", "focusin"]) {
      bar.addEventListener(kind, () => void Later.load(GROUP).catch(() => {}));
    }

    /**
     * @param {string} id of a button
     * @param {() => void} act called once the scripts that it needs are loaded
     */
    function on(id, act) {
      const failed = () => say("What this needs could not be loaded.");
      Dom.byId(id, HTMLElement).addEventListener("click", () => Later.load(GROUP).then(act, failed));
    }

    /**
     * @param {string} what
     * @param {string} done
     */
    function copy(what, done) {
      // if the page may not use the clipboard, the text is shown to be copied by hand
      const offer = () => {
        text.hidden = false;
        text.value = what;
        text.select();
        say("Copy it from here:");
      };
      if (!navigator.clipboard) offer();
      else
        navigator.clipboard.writeText(what).then(() => {
          text.hidden = true;
          say(done);
        }, offer);
    }

    /** @param {string} what */
    function say(what) {
      says.textContent = what;
    }
  }

  /**
   * The maps and their legend for another page.
   * @param {PageData} page
   */
  function embedText(page) {
    const shown = Dom.find(document, document.body.dataset.view === "pair" ? ".pair-view" : ".maps");
    const address = Dom.make("a", { href: `${location.href}&embed=1` });
    const { clientWidth: width, clientHeight: height } = shown;
    const title = `Attention maps of ${page.title}`;
    const frame = Dom.make("iframe", {
      src: address instanceof HTMLAnchorElement ? address.href : "",
      width: String(width),
      height: String(height + EMBED_BAR),
      title,
      loading: "lazy",
    });
    return frame.outerHTML;
  }

  return { create };
})();
