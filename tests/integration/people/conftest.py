"""Fresh counts of tries for each test, and what mails say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.cache import cache

from orgs.models import Membership
from orgs.permissions import Role
from tenancy.models import Organization
from tenancy.scope import acting_for
from tests import factories

LinkOf = Callable[[str], str]
MemberAs = Callable[[str, Role], Membership]


@pytest.fixture(autouse=True)
def fresh_counts() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def link_to() -> LinkOf:
    """Return the address of the one link in the newest mail to somebody, without the host."""

    def find(address: str) -> str:
        newest = [message for message in mail.outbox if message.to == [address]][-1]
        (link,) = set(re.findall(r"https?://[^/\s]+(/(?:accounts|invitations)/\S+)", str(newest.body)))
        return str(link)

    return find


@pytest.fixture
def member_as(acme: Organization) -> MemberAs:
    """Return a function that makes somebody a member of Acme in a role."""

    def join(email: str, role: Role) -> Membership:
        with acting_for(acme.pk):
            return factories.a_member(factories.a_person(email), role)

    return join


@pytest.fixture
def alices(acme: Organization, alice: User) -> Membership:
    """Alice's membership of Acme."""
    with acting_for(acme.pk):
        return Membership.objects.select_related("user").get(user=alice)
