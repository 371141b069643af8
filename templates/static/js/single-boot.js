// In a single file: keep back the front page while another one is on its way.
if (location.hash.includes("page=")) document.documentElement.classList.add("turning");
