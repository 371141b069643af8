// Marks the document as scripted for the style sheets, before anything is painted.
document.documentElement.classList.add("scripted");
