// In a single file: hide the front page if another page is about to be shown.
if (location.hash.includes("page=")) document.documentElement.classList.add("turning");
