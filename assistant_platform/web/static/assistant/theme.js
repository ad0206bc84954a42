// Sets light or dark before the page is drawn: what the person chose here, else what the system says.
"use strict";
(function () {
  var query = window.matchMedia("(prefers-color-scheme: dark)");
  function chosen() {
    try {
      return localStorage.getItem("theme");
    } catch (error) {
      return null; // storage is switched off
    }
  }
  function apply() {
    var theme = chosen() || (query.matches ? "dark" : "light");
    document.documentElement.setAttribute("data-bs-theme", theme);
  }
  apply();
  query.addEventListener("change", apply);
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-theme-toggle]");
    if (!button) return;
    var next = document.documentElement.getAttribute("data-bs-theme") === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("theme", next);
    } catch (error) {
      // it then holds until the next page
    }
    document.documentElement.setAttribute("data-bs-theme", next);
  });
})();
