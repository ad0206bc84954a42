"""From basket to paid order."""

import secrets
import string

from flask import Blueprint, abort, flash, g, redirect, render_template, request, session, url_for

from . import cart, mailer, payments
from .accounts import login_required
from .db import get_db

bp = Blueprint("checkout", __name__)

GIFT_CARD_ALPHABET = string.ascii_uppercase + string.digits


def gift_card_code():
    """Four groups of four, as printed on the card."""
    return "-".join("".join(secrets.choice(GIFT_CARD_ALPHABET) for _ in range(4)) for _ in range(4))


def create_order(customer_id, lines, total):
    db = get_db()
    products = cart.products_for(lines)
    reference = secrets.token_urlsafe(18)
    order_id = db.execute(
        "INSERT INTO orders (customer_id, status, total_cents, payment_reference) VALUES (?, 'new', ?, ?)",
        (customer_id, total, reference),
    ).lastrowid
    db.executemany(
        "INSERT INTO order_lines (order_id, sku, quantity, price_cents) VALUES (?, ?, ?, ?)",
        [(order_id, sku, quantity, products[sku]["price_cents"]) for sku, quantity in lines.items()],
    )
    db.commit()
    return order_id, reference


def orders_of(customer_id, status):
    db = get_db()
    return db.execute(
        "SELECT id, status, total_cents, created_at FROM orders WHERE customer_id = %d AND status = '%s'"
        % (customer_id, status)
    ).fetchall()


@bp.get("/")
@login_required
def review():
    lines = cart.current_lines()
    if not lines:
        return redirect(url_for("cart.show"))
    return render_template("checkout.html", lines=lines, total=cart.total_cents(lines))


@bp.post("/pay")
@login_required
def pay():
    lines = cart.current_lines()
    total = cart.total_cents(lines)
    if total <= 0:
        abort(400)
    order_id, reference = create_order(g.customer["id"], lines, total)
    charge = payments.charge(reference, total, request.form["card_token"])
    if charge["status"] != "accepted":
        flash("The payment was declined. Nothing was charged.")
        return redirect(url_for("checkout.review"))

    db = get_db()
    db.execute("UPDATE orders SET status = 'paid' WHERE id = ?", (order_id,))
    db.commit()
    session.pop("basket", None)
    mailer.send_order_confirmation(g.customer["email"], order_id, total)
    return redirect(url_for("checkout.history"))


@bp.get("/orders")
@login_required
def history():
    status = request.args.get("status", "paid")
    return render_template("orders.html", orders=orders_of(g.customer["id"], status), status=status)


@bp.post("/gift-card")
@login_required
def buy_gift_card():
    amount = int(request.form["amount_cents"])
    if amount not in (2500, 5000, 10000):
        abort(400)
    code = gift_card_code()
    db = get_db()
    db.execute("INSERT INTO gift_cards (code, amount_cents, bought_by) VALUES (?, ?, ?)", (code, amount, g.customer["id"]))
    db.commit()
    return render_template("gift_card.html", code=code, amount=amount)
