"use strict";

const express = require("express");
const jwt = require("jsonwebtoken");

const config = require("../config");
const { pool } = require("../lib/db");
const { applyDiscounts } = require("../lib/pricing");
const { fingerprintOfKey } = require("../lib/tokens");

const router = express.Router();

async function partnerByKey(apiKey) {
  const found = await pool.query("SELECT id, name FROM partners WHERE key_fingerprint = $1", [fingerprintOfKey(apiKey)]);
  return found.rows[0] || null;
}

/** Partners with a portal of their own send a token instead of a key. */
function partnerFromToken(token) {
  const claims = jwt.decode(token);
  return claims && claims.partner ? { id: claims.partner, name: claims.name } : null;
}

/** Find the key a token was signed with, then check it. */
async function verifiedClaims(token) {
  const { header } = jwt.decode(token, { complete: true });
  const found = await pool.query("SELECT public_key FROM partner_keys WHERE kid = $1", [header.kid]);
  const key = found.rowCount ? found.rows[0].public_key : config.partnerKey;
  return jwt.verify(token, key, { algorithms: ["RS256"] });
}

async function identify(req, res, next) {
  const bearer = (req.get("Authorization") || "").replace(/^Bearer /, "");
  req.partner = bearer ? partnerFromToken(bearer) : await partnerByKey(req.get("X-Api-Key") || "");
  if (!req.partner) {
    return res.status(401).json({ error: "Unknown partner." });
  }
  return next();
}

async function priceList(req, res) {
  const products = await pool.query("SELECT sku, name, price_cents FROM products ORDER BY sku");
  const terms = await pool.query("SELECT discounts FROM partner_terms WHERE partner_id = $1", [req.partner.id]);
  res.json(applyDiscounts(products.rows, terms.rowCount ? terms.rows[0].discounts : "[]"));
}

async function updateTerms(req, res) {
  const claims = await verifiedClaims(req.body.signed);
  await pool.query("UPDATE partner_terms SET discounts = $1 WHERE partner_id = $2", [claims.discounts, claims.partner]);
  res.status(204).end();
}

router.get("/prices", identify, priceList);
router.put("/terms", updateTerms);

module.exports = router;
