"""What a file is for, told without a model."""

from __future__ import annotations

import pytest

from triage.answers import ComponentTag, Risk
from triage.components import RISK_OF_TAG, tag_without_model


@pytest.mark.parametrize(
    ("path", "text", "tag"),
    [
        (
            "accounts/login.py",
            "def login(request):\n    check_password(request.POST)\n",
            ComponentTag.USER_AUTHENTICATION,
        ),
        (
            "src/main/java/org/x/OAuthFilter.java",
            "import javax.servlet.http.HttpSession;",
            ComponentTag.USER_AUTHENTICATION,
        ),
        ("lib/passport.rb", "class SessionStore\n  def authenticate\n  end\nend\n", ComponentTag.USER_AUTHENTICATION),
        ("app/policies/permissions.rb", "def allowed?(role)\nend\n", ComponentTag.AUTHORIZATION),
        ("internal/rbac/acl.go", "package rbac\nfunc HasRole(r Role) bool {}\n", ComponentTag.AUTHORIZATION),
        ("Security/AuthorizeFilter.cs", "class RoleGuard { bool Permission(); }", ComponentTag.AUTHORIZATION),
        ("shop/checkout.ts", "import Stripe from 'stripe';\nexport const refund = () => {};\n", ComponentTag.PAYMENTS),
        ("billing/InvoiceService.java", "class InvoiceService { void pay(Card card) {} }", ComponentTag.PAYMENTS),
        ("app/Wallet.php", "<?php class Wallet { function payout($iban) {} }", ComponentTag.PAYMENTS),
        ("pkg/sealing/cipher.go", 'import "crypto/aes"\nfunc Encrypt() {}\n', ComponentTag.CRYPTOGRAPHY),
        ("core/digests.py", "import hashlib\nhashlib.sha256(b'')\n", ComponentTag.CRYPTOGRAPHY),
        ("src/sign.rs", "use rsa::RsaPrivateKey;\nfn signature() {}\n", ComponentTag.CRYPTOGRAPHY),
        ("records/patient.py", "ssn = ''\nbirthdate = ''\n", ComponentTag.PII),
        ("privacy/gdpr_export.rb", "def address; end\n", ComponentTag.PII),
        ("Model/Citizen.cs", "class Citizen { string Ssn; string Nationality; string TaxId; }", ComponentTag.PII),
        ("vault/client.go", "package vault\nfunc Secrets() {}\n", ComponentTag.SECRETS),
        ("config/secrets.py", "API_KEY = load_secret('x')\n", ComponentTag.SECRETS),
        ("KeystoreLoader.java", "import java.security.KeyStore; class KeystoreLoader {}", ComponentTag.SECRETS),
        ("panel/admin.py", "class UserAdmin(ModelAdmin):\n    pass\n", ComponentTag.ADMIN),
        ("controllers/AdministratorController.php", "<?php class AdministratorController {}", ComponentTag.ADMIN),
        ("routes/backoffice.js", "router.use(staff)\n", ComponentTag.ADMIN),
    ],
)
def test_a_sensitive_file_has_a_high_risk(path: str, text: str, tag: ComponentTag) -> None:
    answer = tag_without_model(path, text)

    assert (answer.tag, answer.risk) == (tag, Risk.HIGH)


@pytest.mark.parametrize(
    ("path", "text", "tag"),
    [
        ("network/main.tf", 'resource "login" "password" {}\n', ComponentTag.INFRASTRUCTURE),
        ("build/Dockerfile", "FROM base\nRUN useradd login\n", ComponentTag.INFRASTRUCTURE),
        ("orders.yaml", "apiVersion: v1\nkind: Secret\n", ComponentTag.INFRASTRUCTURE),
        (".github/workflows/build.yml", "on: push\n", ComponentTag.INFRASTRUCTURE),
        ("orders/api.py", "from rest_framework.views import APIView\n", ComponentTag.API),
        (
            "web/OrdersController.java",
            "@RestController class Orders { @GetMapping void endpoint() {} }",
            ComponentTag.API,
        ),
        ("schema/resolvers.ts", "import { graphql } from 'graphql';\n", ComponentTag.API),
        ("orders/repository.go", 'import "database/sql"\nfunc query(db *sql.DB) {}\n', ComponentTag.DATA_STORAGE),
        ("migrations/0001_start.py", "migrations.CreateModel(name='Order')\n", ComponentTag.DATA_STORAGE),
        ("dao/OrderDao.kt", "class OrderDao(val jdbc: Jdbc)\n", ComponentTag.DATA_STORAGE),
        ("media/upload.php", "<?php move_uploaded_file($file, $path);\n", ComponentTag.FILE_HANDLING),
        ("exports/archive.py", "import zipfile\nzipfile.ZipFile(path)\n", ComponentTag.FILE_HANDLING),
        ("Attachments.cs", "class Attachments { void Download(string fileName) {} }", ComponentTag.FILE_HANDLING),
        ("jobs/mailer.rb", "class OrderMailer\n  def send_email\n  end\nend\n", ComponentTag.MESSAGING),
        ("events/kafka.py", "import kafka\nconsumer.subscribe('topic')\n", ComponentTag.MESSAGING),
        ("SmsSender.java", "import com.twilio.Twilio; class SmsSender {}", ComponentTag.MESSAGING),
        ("ui/Orders.jsx", "import React from 'react';\n", ComponentTag.FRONTEND),
        ("pages/start.html", "<p>Hello</p>\n", ComponentTag.FRONTEND),
        ("client/widget.js", "document.querySelector('p').innerHTML = text;\n", ComponentTag.FRONTEND),
        ("sums.py", "def add(a, b):\n    return a + b\n", ComponentTag.OTHER),
        ("unread.bin", None, ComponentTag.OTHER),
        ("core/tree.rs", "fn walk() {}\n", ComponentTag.OTHER),
    ],
)
def test_any_other_shipped_file_has_a_neutral_risk(path: str, text: str | None, tag: ComponentTag) -> None:
    answer = tag_without_model(path, text)

    assert (answer.tag, answer.risk) == (tag, Risk.NEUTRAL)


SENSITIVE = "def login(password):\n    authenticate(password)\n    encrypt(secret)\n"


@pytest.mark.parametrize(
    ("path", "tag"),
    [
        ("tests/auth/login.py", ComponentTag.TESTS),
        ("accounts/test_login.py", ComponentTag.TESTS),
        ("auth/login_test.go", ComponentTag.TESTS),
        ("auth/login.spec.ts", ComponentTag.TESTS),
        ("src/test/java/org/x/LoginTest.java", ComponentTag.TESTS),
        ("spec/models/login_spec.rb", ComponentTag.TESTS),
        ("docs/auth/login.py", ComponentTag.DOCUMENTATION),
        ("examples/login/app.js", ComponentTag.DOCUMENTATION),
        ("auth/LOGIN.md", ComponentTag.DOCUMENTATION),
        ("scripts/login.sh", ComponentTag.DEVELOPER_SCRIPTS),
        ("tools/auth/login.py", ComponentTag.DEVELOPER_SCRIPTS),
        ("auth/setup.py", ComponentTag.DEVELOPER_SCRIPTS),
    ],
)
def test_tests_documents_and_scripts_are_known_by_their_path_whatever_they_speak_of(
    path: str, tag: ComponentTag
) -> None:
    answer = tag_without_model(path, SENSITIVE)

    assert (answer.tag, answer.risk) == (tag, Risk.LOW)


@pytest.mark.parametrize(
    "path",
    [
        "contest/login.py",
        "src/main/java/org/example/test/Login.java",
        "static/scripts/login.js",
        "latest/auth.py",
        "attestation/login.go",
        "accounts/testimony_login.php",
    ],
)
def test_a_path_that_only_resembles_a_test_or_script_is_shipped(path: str) -> None:
    assert tag_without_model(path, SENSITIVE).tag is ComponentTag.USER_AUTHENTICATION


def test_every_tag_has_a_risk() -> None:
    assert RISK_OF_TAG.keys() == set(ComponentTag)


def test_the_reason_names_what_spoke_for_the_tag() -> None:
    assert "login" in tag_without_model("accounts/login.py", SENSITIVE).reason


@pytest.mark.parametrize("path", ["tests/" + "x" * 2000, "accounts/" + "login" * 500 + ".py"])
def test_a_long_path_leaves_room_for_the_reason(path: str) -> None:
    assert len(tag_without_model(path, SENSITIVE).reason) <= 300
