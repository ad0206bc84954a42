"""Calls from Paylane and from the parcel carriers."""

import logging

from flask import Blueprint, abort, request

from . import payments
from .db import get_db
from .extensions import csrf

bp = Blueprint("webhooks", __name__)
log = logging.getLogger(__name__)

STATUS_AFTER = {"charge.settled": "paid", "charge.failed": "unpaid", "refund.settled": "refunded"}


@bp.post("/paylane")
@csrf.exempt
def paylane():
    if not payments.notification_is_genuine(request.get_data(), request.headers.get("X-Paylane-Signature", "")):
        abort(401)
    event = request.get_json()
    status = STATUS_AFTER.get(event.get("type"))
    if status is None:
        return "", 204
    db = get_db()
    db.execute("UPDATE orders SET status = ? WHERE payment_reference = ?", (status, event["reference"]))
    db.commit()
    log.info("order with reference %s is now %s", event["reference"], status)
    return "", 204
