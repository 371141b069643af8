"use strict";

// What a reader may take away: the address of the view, its caption, its picture.

const TakeAway = (() => {
  /**
   * @param {PageData} page
   * @param {{caption: () => string, command: () => {text: string, without: string}, panels: () => ReturnType<typeof Figure.panels>, name: () => string}} what
   */
  function create(page, what) {
    const says = Dom.byId("taken", HTMLElement);
    const text = Dom.byId("taken-text", HTMLTextAreaElement);
    Dom.byId("copy-link", HTMLElement).addEventListener("click", () =>
      copy(location.href, "The link is copied."),
    );
    Dom.byId("copy-caption", HTMLElement).addEventListener("click", () =>
      copy(what.caption(), "The caption is copied."),
    );
    Dom.byId("copy-figure", HTMLElement).addEventListener("click", () => {
      const { text: words, without } = what.command();
      const but = without ? ` It draws ${without}.` : "";
      copy(words, `The command is copied; run it in the folder of this site.${but}`);
    });
    Dom.byId("save-png", HTMLElement).addEventListener("click", () => {
      const caption = `${what.caption()} ${page.credit}`.trim();
      const models = page.models.filter((model) => !model.failure).length;
      const canvas = Figure.compose(what.panels(), caption, Paint.table(page.colours), models);
      Figure.save(canvas, what.name()).then(() => say("The picture is saved."));
    });

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
