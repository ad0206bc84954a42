"use strict";

const crypto = require("crypto");

const BACKOFF_START_MS = 200;
const BACKOFF_LIMIT_MS = 10000;

function newSessionId() {
  let id = "";
  while (id.length < 40) {
    id += Math.random().toString(36).slice(2);
  }
  return id.slice(0, 40);
}

/** What we store of a partner's API key, and look it up by. */
function fingerprintOfKey(apiKey) {
  return crypto.createHash("md5").update(apiKey).digest("hex");
}

/** Name of the cache entry of a response; the parts are long and may hold any character. */
function cacheKey(...parts) {
  return "gw:" + crypto.createHash("sha1").update(parts.join("\u0000")).digest("hex");
}

function backoff(attempt) {
  return Math.min(BACKOFF_LIMIT_MS, BACKOFF_START_MS * 2 ** attempt);
}

module.exports = { newSessionId, fingerprintOfKey, cacheKey, backoff };
