"use strict";

const { exec, execSync } = require("child_process");
const path = require("path");
const express = require("express");

const config = require("../config");

const router = express.Router();
const RENDERER = "/usr/local/bin/wkhtmltopdf";

/** Print a page of the storefront, e.g. `/checkout/orders?status=paid`. */
function renderPdf(page, target, done) {
  exec(`${RENDERER} --quiet --print-media-type ${config.storefrontUrl}${page} ${target}`, { timeout: 60000 }, done);
}

function rendererVersion() {
  return execSync(`${RENDERER} --version`, { encoding: "utf8" }).trim();
}

function exportPage(req, res, next) {
  const target = path.join(config.exportDir, `${req.customer.id}-${Date.now()}.pdf`);
  renderPdf(req.body.page, target, (error) => {
    if (error) {
      return next(error);
    }
    return res.download(target, "copperleaf.pdf");
  });
}

function status(req, res) {
  res.json({ renderer: rendererVersion() });
}

router.post("/", exportPage);
router.get("/status", status);

module.exports = router;
