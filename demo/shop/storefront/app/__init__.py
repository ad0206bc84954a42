"""The Copperleaf storefront: catalogue, baskets, checkout and the back office."""

import logging

from flask import Flask

from . import accounts, admin, cart, catalog, checkout, shipping, suppliers, uploads, webhooks
from .config import Settings
from .db import close_connection, init_schema
from .extensions import csrf


def create_app(settings=None):
    app = Flask(__name__)
    app.config.from_object(settings or Settings)
    logging.basicConfig(level=app.config["LOG_LEVEL"])

    csrf.init_app(app)
    app.teardown_appcontext(close_connection)

    app.register_blueprint(catalog.bp)
    app.register_blueprint(accounts.bp, url_prefix="/account")
    app.register_blueprint(cart.bp, url_prefix="/basket")
    app.register_blueprint(checkout.bp, url_prefix="/checkout")
    app.register_blueprint(shipping.bp, url_prefix="/shipping")
    app.register_blueprint(uploads.bp, url_prefix="/uploads")
    app.register_blueprint(suppliers.bp, url_prefix="/suppliers")
    app.register_blueprint(admin.bp, url_prefix="/admin")
    app.register_blueprint(webhooks.bp, url_prefix="/hooks")

    with app.app_context():
        init_schema()
    return app
