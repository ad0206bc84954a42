import pytest

from app.cart import stays_here
from app.db import get_db


@pytest.mark.parametrize("target", ["/", "/basket/", "/category/pans?sort=name"])
def test_paths_of_the_shop_stay_here(target):
    assert stays_here(target)


@pytest.mark.parametrize("target", ["https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example", ""])
def test_other_addresses_do_not(target):
    assert not stays_here(target)


def test_adding_twice_adds_up(app, client):
    with app.app_context():
        db = get_db()
        db.execute("INSERT INTO products (sku, name, category, price_cents) VALUES ('P-1', 'Pan', 'pans', 4900)")
        db.commit()

    client.post("/basket/add", data={"sku": "P-1"})
    client.post("/basket/add", data={"sku": "P-1"})

    with client.session_transaction() as session:
        assert session["basket"] == {"P-1": 2}
