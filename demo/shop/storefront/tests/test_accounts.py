from app.accounts import hash_password, new_reset_token
from app.db import get_db

from .conftest import CUSTOMER_PASSWORD


def add_customer(app, email):
    with app.app_context():
        db = get_db()
        db.execute(
            "INSERT INTO customers (email, name, password_hash) VALUES (?, 'Ida', ?)",
            (email, hash_password(CUSTOMER_PASSWORD)),
        )
        db.commit()


def test_a_customer_signs_in(app, client):
    add_customer(app, "ida@example.org")

    answer = client.post("/account/login", data={"account-email": "ida@example.org", "account-password": CUSTOMER_PASSWORD})

    assert answer.status_code == 302


def test_a_wrong_password_is_refused(app, client):
    add_customer(app, "ida@example.org")

    answer = client.post("/account/login", data={"account-email": "ida@example.org", "account-password": "nope"})

    assert answer.status_code == 401


def test_reset_tokens_have_32_characters():
    assert len(new_reset_token()) == 32
