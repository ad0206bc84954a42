"""Paylane client: charge, refund, and the signature of its notifications."""

import hashlib
import hmac
import logging
import random
import time

import requests
from flask import current_app

log = logging.getLogger(__name__)

ATTEMPTS = 4
RETRY_STATUS = {429, 502, 503, 504}


def pause_before(attempt):
    """Wait 0.5, 1, 2 ... seconds, spread out so that all workers do not come back at once."""
    time.sleep(0.5 * 2**attempt + random.uniform(0, 0.25))


def _post(path, payload):
    url = current_app.config["PAYLANE_URL"] + path
    auth = (current_app.config["PAYLANE_MERCHANT"], current_app.config["PAYLANE_API_KEY"])
    for attempt in range(ATTEMPTS):
        response = requests.post(url, json=payload, auth=auth, timeout=15)
        if response.status_code not in RETRY_STATUS:
            break
        log.info("paylane answered %s, attempt %s", response.status_code, attempt + 1)
        pause_before(attempt)
    response.raise_for_status()
    return response.json()


def charge(reference, amount_cents, card_token):
    return _post("/charges", {"reference": reference, "amount": amount_cents, "currency": "EUR", "source": card_token})


def refund(reference, amount_cents):
    return _post("/refunds", {"reference": reference, "amount": amount_cents})


def notification_is_genuine(body, signature):
    key = current_app.config["PAYLANE_WEBHOOK_KEY"].encode("ascii")
    expected = hmac.new(key, body, hashlib.sha256).hexdigest()
    return bool(key) and hmac.compare_digest(expected, signature)
