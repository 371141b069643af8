"use strict";

// Sharing of a view: its address, its caption, its picture, its command.

const TakeAway = (() => {
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

  return { create };
})();
