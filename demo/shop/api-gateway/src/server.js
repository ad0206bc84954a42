"use strict";

const path = require("path");
const express = require("express");
const cookieParser = require("cookie-parser");
const cors = require("cors");

const config = require("./config");
const session = require("./session");
const exportsRouter = require("./routes/exports");
const ordersRouter = require("./routes/orders");
const partnersRouter = require("./routes/partners");
const proxyRouter = require("./routes/proxy");
const webhooksRouter = require("./routes/webhooks");

function createServer() {
  const app = express();
  app.disable("x-powered-by");
  app.use(cors({ origin: true, credentials: true, maxAge: 600 }));
  app.use(cookieParser(config.sessionSecret));

  // the webhooks need the raw body for their signature, so they come before the JSON parser
  app.use("/webhooks", express.raw({ type: "*/*", limit: "256kb" }), webhooksRouter);

  app.use(express.json({ limit: "100kb" }));
  app.use("/static", express.static(path.join(__dirname, "..", "public")));
  app.use(session.load);
  app.use("/session", session.router);
  app.use("/orders", session.required, ordersRouter);
  app.use("/exports", session.required, exportsRouter);
  app.use("/partners", partnersRouter);
  app.use("/proxy", session.required, proxyRouter);

  app.use(function onError(error, req, res, next) {
    console.error("%s %s failed", req.method, req.path, error);
    if (res.headersSent) {
      return next(error);
    }
    return res.status(500).json({ error: "Something went wrong on our side." });
  });
  return app;
}

if (require.main === module) {
  createServer().listen(config.port, () => console.log("gateway listens on %d", config.port));
}

module.exports = { createServer };
