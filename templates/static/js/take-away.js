"use strict";

// What a reader may take away: the address of the view, its caption, its picture.

const TakeAway = (() => {
  const GROUP = "take-away";

  /**
   * @param {PageData} page
   * @param {{caption: () => string, command: () => {text: string, without: string}, panels: () => ReturnType<typeof Figure.panels>, name: () => string}} what
   *   asked for when their scripts are there
   */
  function create(page, what) {
    const says = Dom.byId("taken", HTMLElement);
    const text = Dom.byId("taken-text", HTMLTextAreaElement);
    Dom.byId("copy-link", HTMLElement).addEventListener("click", () =>
      copy(location.href, "The link is copied."),
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
      Figure.save(canvas, what.name()).then(() => say("The picture is saved."));
    });
    // who comes near may click: some browsers copy only in the moment of the click
    const bar = Dom.find(document, ".take-away");
    for (const kind of ["pointerenter", "focusin"]) {
      bar.addEventListener(kind, () => void Later.load(GROUP).catch(() => {}));
    }

    /**
     * @param {string} id of a button
     * @param {() => void} act when the scripts that it needs are there
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
      // where the clipboard is closed to the page, the text is there to be copied by hand
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

  return { create };
})();
