"use strict";

const https = require("https");
const axios = require("axios");
const express = require("express");

const config = require("../config");
const { cacheKey } = require("../lib/tokens");

const router = express.Router();
const billingAgent = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
const FEEDS = new Set(["news.copperleaf.example", "recipes.copperleaf.example"]);
const cache = new Map();

async function invoice(req, res) {
  const answer = await axios.get(`${config.billingUrl}/invoices/${encodeURIComponent(req.params.id)}`, {
    httpsAgent: billingAgent,
    headers: { "X-Customer": String(req.customer.id) },
    responseType: "stream",
  });
  res.set("Content-Type", answer.headers["content-type"]);
  answer.data.pipe(res);
}

/** The apps show a picture and a title for links in reviews. */
async function linkPreview(req, res) {
  const answer = await axios.get(req.query.url, { timeout: 4000, maxContentLength: 500000 });
  const title = /<title>([^<]{1,200})</i.exec(String(answer.data));
  res.json({ url: req.query.url, title: title ? title[1] : null });
}

async function feed(req, res) {
  const wanted = new URL(String(req.query.url));
  if (wanted.protocol !== "https:" || !FEEDS.has(wanted.host)) {
    return res.status(400).json({ error: "This feed is not ours." });
  }
  const key = cacheKey("feed", wanted.href);
  if (!cache.has(key)) {
    const answer = await axios.get(wanted.href, { timeout: 4000, maxRedirects: 0 });
    cache.set(key, answer.data);
  }
  return res.type("application/rss+xml").send(cache.get(key));
}

router.get("/invoices/:id", invoice);
router.get("/preview", linkPreview);
router.get("/feed", feed);

module.exports = router;
