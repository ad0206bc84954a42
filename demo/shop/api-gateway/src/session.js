"use strict";

const express = require("express");
const jwt = require("jsonwebtoken");

const config = require("./config");
const { pool } = require("./lib/db");
const { newSessionId } = require("./lib/tokens");

const COOKIE = "cl_sid";
const LIFETIME_MS = 12 * 60 * 60 * 1000;

async function load(req, res, next) {
  req.customer = null;
  const sid = req.cookies[COOKIE];
  if (sid) {
    const found = await pool.query(
      "SELECT c.id, c.email, c.role FROM sessions s JOIN customers c ON c.id = s.customer_id WHERE s.id = $1 AND s.expires_at > now()",
      [sid],
    );
    req.customer = found.rows[0] || null;
  }
  next();
}

function required(req, res, next) {
  if (!req.customer) {
    return res.status(401).json({ error: "Sign in first." });
  }
  return next();
}

async function signIn(req, res) {
  let claims;
  try {
    claims = jwt.verify(req.body.ticket, config.sessionSecret, { algorithms: ["HS256"] });
  } catch {
    return res.status(401).json({ error: "The ticket is not valid." });
  }
  const sid = newSessionId();
  const expires = new Date(Date.now() + LIFETIME_MS);
  await pool.query("INSERT INTO sessions (id, customer_id, expires_at) VALUES ($1, $2, $3)", [sid, claims.sub, expires]);
  res.cookie(COOKIE, sid, { maxAge: LIFETIME_MS, sameSite: "lax" });
  return res.status(201).json({ expires });
}

async function signOut(req, res) {
  await pool.query("DELETE FROM sessions WHERE id = $1", [req.cookies[COOKIE] || ""]);
  res.clearCookie(COOKIE);
  return res.status(204).end();
}

const router = express.Router();
router.post("/", signIn);
router.delete("/", signOut);

module.exports = { load, required, router };
