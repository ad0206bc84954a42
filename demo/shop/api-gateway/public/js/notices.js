"use strict";

const ICONS = {
  info: '<svg viewBox="0 0 16 16"><circle cx="8" cy="8" r="7"/></svg>',
  warning: '<svg viewBox="0 0 16 16"><path d="M8 1l7 14H1z"/></svg>',
};

function showNotice(level, text) {
  const notice = document.createElement("p");
  const icon = document.createElement("span");
  icon.innerHTML = ICONS[level] || ICONS.info;
  notice.className = `notice notice-${level}`;
  notice.append(icon, document.createTextNode(text));
  document.querySelector("#notices").append(notice);
  window.setTimeout(() => notice.remove(), 6000);
}

window.showNotice = showNotice;
