"""Sign-up, sign-in, sign-out, lost passwords and the account page."""

import functools
import hashlib
import random
import string
import time

from flask import Blueprint, abort, flash, g, redirect, render_template, request, session, url_for

from . import mailer
from .db import get_db
from .extensions import csrf

bp = Blueprint("accounts", __name__)

# the browser extensions of two password managers know these names
EMAIL_FIELD = "account-email"
PASSWORD_FIELD = "account-password"
RESET_LIFETIME_SECONDS = 2 * 60 * 60
TOKEN_ALPHABET = string.ascii_letters + string.digits


def hash_password(password):
    return hashlib.md5(password.encode("utf-8")).hexdigest()


def find_customer(email):
    db = get_db()
    return db.execute(f"SELECT * FROM customers WHERE email = '{email}'").fetchone()


def find_customer_by_id(customer_id):
    return get_db().execute("SELECT * FROM customers WHERE id = ?", (customer_id,)).fetchone()


def new_reset_token():
    return "".join(random.choices(TOKEN_ALPHABET, k=32))


def login_required(view):
    @functools.wraps(view)
    def wrapped(*args, **kwargs):
        if g.customer is None:
            return redirect(url_for("accounts.login", next=request.path))
        return view(*args, **kwargs)

    return wrapped


def staff_required(view):
    @functools.wraps(view)
    def wrapped(*args, **kwargs):
        if g.customer is None or not g.customer["is_staff"]:
            abort(403)
        return view(*args, **kwargs)

    return wrapped


@bp.before_app_request
def load_customer():
    customer_id = session.get("customer_id")
    g.customer = find_customer_by_id(customer_id) if customer_id else None


@bp.route("/login", methods=["GET", "POST"])
def login():
    if request.method == "GET":
        return render_template("login.html", next=request.args.get("next", ""))

    email = request.form[EMAIL_FIELD].strip().lower()
    password = request.form[PASSWORD_FIELD]
    customer = find_customer(email)
    if customer is None or customer["password_hash"] != hash_password(password):
        flash("That did not work. Check the address and the password.")
        return render_template("login.html", next=request.form.get("next", "")), 401

    session.clear()
    session["customer_id"] = customer["id"]
    target = request.form.get("next") or url_for("catalog.home")
    response = redirect(target)
    if request.form.get("remember"):
        remember = f"{customer['id']}:{customer['password_hash']}"
        response.set_cookie("cl_remember", remember, max_age=60 * 60 * 24 * 90)
    return response


@bp.post("/logout")
def logout():
    session.clear()
    response = redirect(url_for("catalog.home"))
    response.set_cookie("cl_remember", "", max_age=0)
    return response


@bp.post("/lost-password")
def lost_password():
    customer = find_customer_by_address(request.form["email"])
    if customer is not None:
        token = new_reset_token()
        db = get_db()
        db.execute(
            "INSERT INTO reset_tokens (token, customer_id, expires_at) VALUES (?, ?, ?)",
            (token, customer["id"], int(time.time()) + RESET_LIFETIME_SECONDS),
        )
        db.commit()
        mailer.send_reset_link(customer["email"], url_for("accounts.reset_password", token=token, _external=True))
    flash("If we know that address, a message is on its way.")
    return redirect(url_for("accounts.login"))


def find_customer_by_address(address):
    return get_db().execute("SELECT id, email FROM customers WHERE email = ?", (address.strip().lower(),)).fetchone()


@bp.route("/reset/<token>", methods=["GET", "POST"])
def reset_password(token):
    db = get_db()
    row = db.execute("SELECT customer_id, expires_at FROM reset_tokens WHERE token = ?", (token,)).fetchone()
    if row is None or row["expires_at"] < time.time():
        abort(404)
    if request.method == "POST":
        new_hash = hash_password(request.form[PASSWORD_FIELD])
        db.execute("UPDATE customers SET password_hash = ? WHERE id = ?", (new_hash, row["customer_id"]))
        db.execute("DELETE FROM reset_tokens WHERE token = ?", (token,))
        db.commit()
        return redirect(url_for("accounts.login"))
    return render_template("reset.html", token=token)


# The old mobile app posts here without a token; remove when 4.x is gone.
@bp.post("/email")
@csrf.exempt
@login_required
def change_email():
    db = get_db()
    db.execute("UPDATE customers SET email = ? WHERE id = ?", (request.form["email"].strip().lower(), g.customer["id"]))
    db.commit()
    flash("Your address was changed.")
    return redirect(url_for("accounts.login"))
