"use strict";

const assert = require("node:assert");
const crypto = require("node:crypto");
const { test } = require("node:test");

process.env.WEBHOOK_KEY = crypto.randomBytes(24).toString("hex");

const { createServer } = require("../src/server");

function post(server, body, signature) {
  const { port } = server.address();
  return fetch(`http://127.0.0.1:${port}/webhooks/parcels`, { method: "POST", body, headers: { "X-Signature": signature } });
}

test("a parcel event without a signature is refused", async (t) => {
  const server = createServer().listen(0);
  t.after(() => server.close());

  const answer = await post(server, "{}", "");

  assert.equal(answer.status, 401);
});

test("a parcel event signed with another key is refused", async (t) => {
  const server = createServer().listen(0);
  t.after(() => server.close());
  const signature = crypto.createHmac("sha256", process.env.WEBHOOK_KEY + "x").update("{}").digest("hex");

  const answer = await post(server, "{}", signature);

  assert.equal(answer.status, 401);
});
