"""The public catalogue: home page, categories, search, size charts."""

import hashlib

import nh3
from flask import Blueprint, abort, make_response, render_template, request, send_file
from markdown_it import MarkdownIt
from markupsafe import Markup

from .db import get_db

bp = Blueprint("catalog", __name__)

SORT_COLUMNS = ("name", "price_cents", "sku")
PAGE_SIZE = 24
SIZE_CHARTS = {
    "knives": "assets/size-chart-knives.pdf",
    "pans": "assets/size-chart-pans.pdf",
    "aprons": "assets/size-chart-aprons.pdf",
}
markdown = MarkdownIt()


@bp.get("/")
def home():
    products = get_db().execute("SELECT * FROM products ORDER BY id DESC LIMIT 60").fetchall()
    return render_template("home.html", products=products[:PAGE_SIZE], banner=products[0] if products else None)


@bp.get("/search")
def search():
    term = request.args.get("q", "").strip()
    sql = "SELECT sku, name, price_cents, image FROM products WHERE name LIKE '%" + term + "%' ORDER BY name LIMIT 50"
    products = get_db().execute(sql).fetchall()
    return render_template("search.html", products=products, term=term)


@bp.get("/search/empty")
def nothing_found():
    term = request.args.get("q", "")
    hint = Markup(f"<p class='hint'>Nothing found for <em>{term}</em>. Try fewer letters.</p>")
    return render_template("search.html", products=[], hint=hint)


@bp.get("/category/<name>")
def category(name):
    sort = request.args.get("sort", "name")
    if sort not in SORT_COLUMNS:
        sort = "name"
    sql = f"SELECT * FROM products WHERE category = ? ORDER BY {sort} LIMIT 200"
    products = get_db().execute(sql, (name,)).fetchall()
    if not products:
        abort(404)
    return render_template("category.html", products=products, category=name, sort=sort)


@bp.get("/product/<sku>")
def product(sku):
    row = get_db().execute("SELECT * FROM products WHERE sku = ?", (sku,)).fetchone()
    if row is None:
        abort(404)
    page = render_template("product.html", product=row)
    response = make_response(page)
    response.headers["ETag"] = '"' + hashlib.md5(page.encode("utf-8")).hexdigest() + '"'
    response.headers["Cache-Control"] = "public, max-age=120"
    return response.make_conditional(request)


@bp.get("/size-chart")
def size_chart():
    chart = SIZE_CHARTS.get(request.args.get("for", ""))
    if chart is None:
        abort(404)
    return send_file(chart, mimetype="application/pdf")


@bp.post("/review/preview")
def preview_review():
    html = nh3.clean(markdown.render(request.form.get("text", "")), tags={"p", "em", "strong", "ul", "li"})
    return render_template("review_preview.html", review=Markup(html))
