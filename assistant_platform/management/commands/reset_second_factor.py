"""`manage.py reset_second_factor`: for a person who has lost telephone, keys and recovery codes."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    help = "Take every second factor and passkey from an account, so that its password alone signs in again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="an address of the account; make sure that its owner asks")

    def handle(self, *args: Any, **options: Any) -> None:
        address = EmailAddress.objects.filter(email=options["email"].strip().lower(), verified=True).first()
        if address is None:
            raise CommandError(f"No account has proved the address {options['email']}.")
        factors = Authenticator.objects.filter(user_id=address.user_id)
        taken = factors.exclude(type=Authenticator.Type.RECOVERY_CODES).count()
        factors.delete()
        self.stdout.write(f"{taken} second factors are gone; {address.email} signs in with the password alone.")
