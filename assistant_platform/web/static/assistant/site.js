// The little that pages do beyond links and forms. Everything here has a way without it.
"use strict";
(function () {
  // --- Copy a patch (without: the download link beside it) -------------------------------------------------------
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy-from]");
    if (!button) return;
    fetch(button.dataset.copyFrom, { headers: { Accept: "text/x-diff" } })
      .then(function (response) {
        if (!response.ok) throw new Error(String(response.status));
        return response.text();
      })
      .then(function (text) {
        return navigator.clipboard.writeText(text);
      })
      .then(function () {
        say("Patch copied. Apply it with: git apply");
      })
      .catch(function () {
        say("The browser did not let us copy. Use Download instead.");
      });
  });

  // --- Copy a text of the page (without: select it) --------------------------------------------------------------
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy]");
    if (!button) return;
    var text = document.getElementById(button.dataset.copy).textContent;
    // Over plain HTTP from another machine there is no clipboard.
    var copied = navigator.clipboard ? navigator.clipboard.writeText(text) : Promise.reject();
    copied.then(
      function () {
        say("Copied.");
      },
      function () {
        say("The browser did not let us copy. Select the text and copy it.");
      }
    );
  });

  // --- What is shown once is gone when the page is left, also from the browser's memory of it (without: no-store) --
  window.addEventListener("pagehide", function () {
    document.querySelectorAll("[data-shown-once]").forEach(function (place) {
      place.textContent = place.dataset.shownOnce;
    });
  });

  // --- Drop a file on the upload page (without: the file field) --------------------------------------------------
  document.querySelectorAll("[data-drop-for]").forEach(function (zone) {
    var field = document.getElementById(zone.dataset.dropFor);
    var name = zone.querySelector("[data-drop-name]");
    function show() {
      if (field.files.length) name.textContent = field.files[0].name;
    }
    zone.addEventListener("dragover", function (event) {
      event.preventDefault();
      zone.classList.add("is-over");
    });
    zone.addEventListener("dragleave", function () {
      zone.classList.remove("is-over");
    });
    zone.addEventListener("drop", function (event) {
      event.preventDefault();
      zone.classList.remove("is-over");
      if (event.dataTransfer.files.length) {
        field.files = event.dataTransfer.files;
        show();
      }
    });
    field.addEventListener("change", show);
  });

  // --- Light up all lines of a quote, not only its first (without: the first, by :target) -------------------------
  document.addEventListener("click", function (event) {
    var link = event.target.closest("[data-lines]");
    if (!link) return;
    document.querySelectorAll(".code-line.is-pointed").forEach(function (line) {
      line.classList.remove("is-pointed");
    });
    var line = document.getElementById(link.getAttribute("href").slice(1));
    for (var left = Number(link.dataset.lines); line && left > 0; left -= 1) {
      line.classList.add("is-pointed");
      line = line.nextElementSibling;
    }
  });

  // --- A menu of the header closes like a menu (without: by its button) -------------------------------------------
  function closeMenus(except) {
    document.querySelectorAll(".switcher[open]").forEach(function (menu) {
      if (menu !== except) menu.open = false;
    });
  }
  document.addEventListener("click", function (event) {
    closeMenus(event.target.closest(".switcher"));
  });
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") closeMenus(null);
  });

  // --- htmx -----------------------------------------------------------------------------------------------------------
  document.addEventListener("htmx:configRequest", function (event) {
    // An address without empty filters is one that people can read and send on.
    var parameters = event.detail.parameters;
    Object.keys(parameters).forEach(function (key) {
      if (parameters[key] === "" && event.detail.verb === "get") delete parameters[key];
    });
  });
  // A refused change comes back as its own row, which says why.
  document.addEventListener("htmx:beforeSwap", function (event) {
    if (event.detail.xhr.status !== 422) return;
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  });
  // The server's words about what it just did.
  document.addEventListener("said", function (event) {
    say(event.detail.text);
  });
  // What could not be saved goes back to what is.
  function putBack(event) {
    var form = event.target.closest("[data-saves-at-once]");
    if (form) form.reset();
  }
  document.addEventListener("htmx:responseError", putBack);
  document.addEventListener("htmx:sendError", putBack);
  document.addEventListener("htmx:responseError", function (event) {
    var status = event.detail.xhr.status;
    say(status === 403 ? "You may not do this here. Reload the page to see why." : "That did not work (" + status + "). Reload the page and try again.");
  });
  document.addEventListener("htmx:sendError", function () {
    say("The server cannot be reached. Try again in a moment.");
  });

  function say(text) {
    var box = document.getElementById("spoken");
    if (!box) return;
    box.textContent = text;
    box.classList.add("is-shown");
    window.setTimeout(function () {
      box.classList.remove("is-shown");
    }, 5000);
  }
})();
