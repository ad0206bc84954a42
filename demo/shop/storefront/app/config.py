"""Settings. Deployments override them through the environment; see README.md."""

import os


class Settings:
    LOG_LEVEL = os.environ.get("LOG_LEVEL", "INFO")
    SECRET_KEY = os.environ.get("SECRET_KEY")
    DATABASE = os.environ.get("DATABASE", "/srv/copperleaf/shop.db")
    REDIS_URL = os.environ.get("REDIS_URL", "redis://localhost:6379/0")

    UPLOAD_DIR = os.environ.get("UPLOAD_DIR", "/srv/copperleaf/uploads")
    REPORT_DIR = os.environ.get("REPORT_DIR", "/srv/copperleaf/reports")
    MAX_CONTENT_LENGTH = 12 * 1024 * 1024

    # Paylane: one merchant account for all three shops
    PAYLANE_URL = "https://api.paylane.example/v2"
    PAYLANE_MERCHANT = "copperleaf-eu"
    PAYLANE_API_KEY = "pl_live_9fK2mQx7TzL4cVb8RwY1"
    PAYLANE_WEBHOOK_KEY = os.environ.get("PAYLANE_WEBHOOK_KEY", "")

    CARRIER_GATEWAY = os.environ.get("CARRIER_GATEWAY", "https://10.20.4.11:8443")
    LABEL_PRINTER = os.environ.get("LABEL_PRINTER", "packing-1")
