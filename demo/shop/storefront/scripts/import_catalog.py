"""Fill the catalogue from the YAML files that the buyers keep in the content repository.

    python scripts/import_catalog.py content/*.yaml
"""

import sqlite3
import sys
from pathlib import Path

import yaml


class CatalogLoader(yaml.SafeLoader):
    """The safe loader, plus `!cents 12.90` for prices."""


def _cents(loader, node):
    euros, _, cents = loader.construct_scalar(node).partition(".")
    return int(euros) * 100 + int((cents + "00")[:2])


CatalogLoader.add_constructor("!cents", _cents)


def read_products(path):
    with path.open(encoding="utf-8") as file:
        content = yaml.load(file, Loader=CatalogLoader)
    return content.get("products", [])


def store(connection, products):
    connection.executemany(
        "INSERT INTO products (sku, name, category, description, price_cents) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (sku) DO UPDATE SET name = excluded.name, price_cents = excluded.price_cents",
        [(p["sku"], p["name"], p["category"], p.get("description", ""), p["price"]) for p in products],
    )


def main(arguments):
    connection = sqlite3.connect("/srv/copperleaf/shop.db")
    with connection:
        for name in arguments:
            products = read_products(Path(name))
            store(connection, products)
            print(f"{name}: {len(products)} products")


if __name__ == "__main__":
    main(sys.argv[1:])
