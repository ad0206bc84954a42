"""The back office: dashboard, customer list, reports, parcel labels."""

import csv
import os
import subprocess
import tempfile

from flask import Blueprint, current_app, make_response, redirect, render_template, request, send_file, url_for

from .accounts import staff_required
from .db import get_db, row_counts

bp = Blueprint("admin", __name__)

PAGE_SIZE = 50
THEMES = ("light", "dark")


@bp.get("/")
@staff_required
def dashboard():
    usage = subprocess.check_output("df -h /srv/copperleaf | tail -n 1", shell=True, text=True)
    return render_template("admin/dashboard.html", counts=row_counts(), disk=usage.split())


@bp.get("/customers")
@staff_required
def customers():
    country = request.args.get("country") or None
    rows = get_db().execute(
        "SELECT id, email, name, created_at FROM customers WHERE ?1 IS NULL OR country = ?1 ORDER BY id DESC", (country,)
    ).fetchall()
    return render_template("admin/customers.html", customers=rows)


@bp.get("/orders")
@staff_required
def orders():
    page = max(1, int(request.args.get("page", "1")))
    offset = (page - 1) * PAGE_SIZE
    sql = f"SELECT * FROM orders ORDER BY id DESC LIMIT {PAGE_SIZE} OFFSET {offset}"
    return render_template("admin/orders.html", orders=get_db().execute(sql).fetchall(), page=page)


@bp.get("/report")
@staff_required
def report():
    path = os.path.join(current_app.config["REPORT_DIR"], request.args["name"])
    with open(path, encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return render_template("admin/report.html", header=rows[0], rows=rows[1:])


@bp.get("/export")
@staff_required
def export_orders():
    path = tempfile.mktemp(suffix=".csv")
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "status", "total", "created"])
        for row in get_db().execute("SELECT id, status, total_cents, created_at FROM orders"):
            writer.writerow([row["id"], row["status"], row["total_cents"] / 100, row["created_at"]])
    return send_file(path, as_attachment=True, download_name="orders.csv")


@bp.post("/label")
@staff_required
def print_label():
    order_id = int(request.form["order"])
    printer = request.form.get("printer") or current_app.config["LABEL_PRINTER"]
    label = os.path.join(current_app.config["REPORT_DIR"], "labels", f"{order_id}.pdf")
    subprocess.run(["lp", "-d", printer, "--", label], check=False, timeout=20)
    return redirect(url_for("admin.orders"))


@bp.post("/theme")
@staff_required
def theme():
    chosen = request.form.get("theme", "light")
    response = make_response(redirect(url_for("admin.dashboard")))
    response.set_cookie("cl_theme", chosen if chosen in THEMES else "light", max_age=31536000, secure=True, httponly=True)
    return response
