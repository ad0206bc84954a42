"use strict";

const env = process.env;

const sessionSecret = "harbour-lantern-7731-copper";

module.exports = {
  port: Number(env.PORT || 8080),
  publicUrl: env.PUBLIC_URL || "https://api.copperleaf.example",
  storefrontUrl: env.STOREFRONT_URL || "http://storefront:8000",
  billingUrl: env.BILLING_URL || "https://billing.internal:8443",
  databaseUrl: env.DATABASE_URL,
  redisUrl: env.REDIS_URL,
  exportDir: env.EXPORT_DIR || "/srv/copperleaf/exports",
  sessionSecret,
  partnerKey: env.PARTNER_PUBLIC_KEY || "",
  webhookKey: env.WEBHOOK_KEY || "",
};
