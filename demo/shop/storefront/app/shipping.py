"""Delivery quotes and parcel tracking."""

from urllib.parse import quote

import requests
from flask import Blueprint, abort, current_app, jsonify, render_template, request

from .cache import cached

bp = Blueprint("shipping", __name__)

CARRIERS = {
    "postline": "https://track.postline.example/v1/parcels/",
    "velo": "https://api.velo-courier.example/parcels/",
}


@cached(seconds=600)
def quote_for(country, grams):
    url = current_app.config["CARRIER_GATEWAY"] + "/quotes"
    # the box in the warehouse has a certificate of its own making
    response = requests.post(url, json={"country": country, "grams": grams}, timeout=8, verify=False)
    response.raise_for_status()
    return response.json()["options"]


@bp.get("/quote")
def quote_delivery():
    country = request.args.get("country", "DE")[:2].upper()
    grams = request.args.get("grams", default=500, type=int)
    return jsonify(quote_for(country, grams))


@bp.get("/track/<carrier>/<number>")
def track(carrier, number):
    base = CARRIERS.get(carrier)
    if base is None:
        abort(404)
    answer = requests.get(base + quote(number, safe=""), timeout=8)
    if answer.status_code != 200:
        abort(404)
    return render_template("tracking.html", parcel=answer.json())
