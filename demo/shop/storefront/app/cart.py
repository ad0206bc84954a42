"""The basket. Guests keep theirs in a cookie, customers in the session."""

import base64
import pickle
from urllib.parse import urlsplit

from flask import Blueprint, g, redirect, render_template, request, session, url_for

from .db import get_db

bp = Blueprint("cart", __name__)

SAVED_COOKIE = "cl_saved_basket"
MAX_LINES = 60


def stays_here(target):
    parts = urlsplit(target)
    return not parts.scheme and not parts.netloc and target.startswith("/") and not target.startswith(("//", "/\\"))


def products_for(skus):
    marks = ",".join("?" * len(skus))
    rows = get_db().execute(f"SELECT sku, name, price_cents FROM products WHERE sku IN ({marks})", list(skus))
    return {row["sku"]: row for row in rows}


def current_lines():
    return session.setdefault("basket", {})


def total_cents(lines):
    products = products_for(lines)
    return sum(products[sku]["price_cents"] * quantity for sku, quantity in lines.items() if sku in products)


@bp.get("/")
def show():
    lines = current_lines()
    return render_template("basket.html", products=products_for(lines), lines=lines, total=total_cents(lines))


@bp.post("/add")
def add():
    lines = current_lines()
    sku = request.form["sku"]
    if sku in lines or len(lines) < MAX_LINES:
        lines[sku] = min(99, lines.get(sku, 0) + max(1, int(request.form.get("quantity", 1))))
    session.modified = True
    target = request.form.get("back", "/")
    if not stays_here(target):
        target = url_for("cart.show")
    return redirect(target)


@bp.post("/save")
def save():
    saved = base64.urlsafe_b64encode(pickle.dumps(dict(current_lines()))).decode("ascii")
    response = redirect(url_for("cart.show"))
    response.set_cookie(SAVED_COOKIE, saved, max_age=60 * 60 * 24 * 30, secure=True, httponly=True, samesite="Lax")
    return response


@bp.post("/restore")
def restore():
    saved = request.cookies.get(SAVED_COOKIE)
    if saved:
        lines = pickle.loads(base64.urlsafe_b64decode(saved))
        session["basket"] = {str(sku): int(quantity) for sku, quantity in lines.items()}
    return redirect(url_for("cart.show"))


@bp.post("/clear")
def clear():
    session.pop("basket", None)
    if g.customer is not None:
        get_db().execute("DELETE FROM saved_baskets WHERE customer_id = ?", (g.customer["id"],))
    return redirect(url_for("cart.show"))
