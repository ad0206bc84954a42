"""One SQLite connection per request, and the schema."""

import sqlite3

from flask import current_app, g

TABLES = ("customers", "products", "orders", "order_lines", "reset_tokens", "suppliers", "stock")

SCHEMA = """
CREATE TABLE IF NOT EXISTS customers (
    id INTEGER PRIMARY KEY, email TEXT UNIQUE NOT NULL, name TEXT NOT NULL, country TEXT, password_hash TEXT NOT NULL,
    is_staff INTEGER NOT NULL DEFAULT 0, created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS products (
    id INTEGER PRIMARY KEY, sku TEXT UNIQUE NOT NULL, name TEXT NOT NULL, category TEXT NOT NULL,
    description TEXT NOT NULL DEFAULT '', price_cents INTEGER NOT NULL, image TEXT
);
CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers(id), status TEXT NOT NULL,
    total_cents INTEGER NOT NULL, payment_reference TEXT, created_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS order_lines (
    order_id INTEGER NOT NULL REFERENCES orders(id), sku TEXT NOT NULL, quantity INTEGER NOT NULL,
    price_cents INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS reset_tokens (token TEXT PRIMARY KEY, customer_id INTEGER NOT NULL, expires_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS suppliers (id INTEGER PRIMARY KEY, code TEXT UNIQUE NOT NULL, feed_url TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS saved_baskets (customer_id INTEGER PRIMARY KEY REFERENCES customers(id), lines TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS gift_cards (code TEXT PRIMARY KEY, amount_cents INTEGER NOT NULL, bought_by INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS stock (sku TEXT PRIMARY KEY, supplier_code TEXT NOT NULL, quantity INTEGER NOT NULL);
"""


def get_db():
    if "db" not in g:
        g.db = sqlite3.connect(current_app.config["DATABASE"])
        g.db.row_factory = sqlite3.Row
    return g.db


def close_connection(_error=None):
    connection = g.pop("db", None)
    if connection is not None:
        connection.close()


def init_schema():
    get_db().executescript(SCHEMA)


def row_counts():
    """How many rows each table has, for the status page."""
    db = get_db()
    counts = {}
    for table in TABLES:
        counts[table] = db.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
    return counts
