"use strict";

const crypto = require("crypto");
const express = require("express");

const config = require("../config");
const { pool } = require("../lib/db");

const router = express.Router();

function signatureMatches(body, given) {
  const expected = crypto.createHmac("sha256", config.webhookKey).update(body).digest();
  const received = Buffer.from(String(given || ""), "hex");
  return received.length === expected.length && crypto.timingSafeEqual(received, expected);
}

async function parcelEvent(req, res) {
  if (!signatureMatches(req.body, req.get("X-Signature"))) {
    return res.status(401).end();
  }
  const event = JSON.parse(req.body.toString("utf8"));
  await pool.query("UPDATE parcels SET status = $1, seen_at = now() WHERE number = $2", [event.status, event.number]);
  return res.status(204).end();
}

router.post("/parcels", parcelEvent);

module.exports = router;
