import pytest

from app import create_app
from app.config import Settings

CUSTOMER_PASSWORD = "correct-horse-42"


@pytest.fixture
def app(tmp_path):
    class TestSettings(Settings):
        TESTING = True
        WTF_CSRF_ENABLED = False
        SECRET_KEY = "testing"
        DATABASE = str(tmp_path / "shop.db")
        UPLOAD_DIR = str(tmp_path)

    return create_app(TestSettings)


@pytest.fixture
def client(app):
    return app.test_client()
