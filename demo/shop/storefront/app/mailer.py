"""Transactional mail. Delivery is the relay's business."""

import logging
import smtplib
from email.message import EmailMessage

from flask import current_app

log = logging.getLogger(__name__)


def _message(recipient, subject, body):
    message = EmailMessage()
    message["From"] = "Copperleaf <hello@copperleaf.example>"
    message["To"] = recipient
    message["Subject"] = subject
    message.set_content(body)
    return message


def _deliver(message):
    host = current_app.config.get("SMTP_HOST", "localhost")
    with smtplib.SMTP(host, timeout=10) as relay:
        relay.send_message(message)


def send_reset_link(recipient, link):
    body = f"Somebody asked for a new password for this address.\n\nChoose one here within two hours:\n{link}\n"
    _deliver(_message(recipient, "Choose a new password", body))


def send_order_confirmation(recipient, order_id, total_cents):
    body = f"Thank you. Your order {order_id} over {total_cents / 100:.2f} EUR is being packed.\n"
    try:
        _deliver(_message(recipient, f"Order {order_id}", body))
    except OSError:
        log.warning("no confirmation sent for order %s", order_id, exc_info=True)
