// Hands the buttons of a page to django-allauth's passkey script, and says in words what a browser refuses.
"use strict";
(function () {
  document.querySelectorAll("[data-passkey]").forEach(function (button) {
    var kind = button.dataset.passkey;
    var ids = { credential: button.dataset.passkeyCredential, data: "js_data" };
    ids[{ loginForm: "login", addForm: "add", authenticateForm: "authenticate" }[kind]] = button.id;
    if (button.dataset.passkeyPasswordless) ids.passwordless = button.dataset.passkeyPasswordless;
    window.allauth.webauthn.forms[kind]({ ids: ids });
  });

  var WORDS = {
    SecurityError:
      "Browsers allow passkeys only at a name with https://, or at localhost; not at an IP address. Open this server by its name.",
    NotAllowedError: "That was cancelled, or took too long. Try again.",
    InvalidStateError: "This device or key is registered already.",
    NotSupportedError: "This browser or device cannot do that.",
  };
  document.addEventListener("allauth.error", function (event) {
    event.preventDefault();
    var box = document.getElementById("passkey-problem");
    if (!box) {
      box = document.createElement("div");
      box.id = "passkey-problem";
      box.className = "notice notice-error";
      box.setAttribute("role", "alert");
      document.querySelector("h1").after(box);
    }
    box.textContent = WORDS[event.detail.exception.name] || "The passkey could not be used. Try again.";
  });
})();
