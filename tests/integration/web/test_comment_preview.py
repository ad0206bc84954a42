"""The page that shows how comments look."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

import orgs.services
from events.kinds import SYSTEM
from tenancy.models import Organization

ADDRESS = "/orgs/acme/settings/comment-preview/"


@pytest.mark.parametrize(("host", "fence"), [("github", "```suggestion\n"), ("gitlab", "```suggestion:-0+0\n")])
def test_every_form_is_shown_as_page_and_as_source(
    alice: User, acme: Organization, client_for: Callable[[User], Client], host: str, fence: str
) -> None:
    page = client_for(alice).get(ADDRESS, {"host": host}).content.decode()

    assert page.count('<div class="comment">') == 10
    assert f"\n{fence}" in page
    assert "<strong>Blocking issue:</strong> <code>sql-injection-in-query</code>" in page
    assert "It cannot be applied with one click: it changes several files." in page


def test_the_organizations_footer_and_switch_show(
    alice: User, in_acme: Organization, client_for: Callable[[User], Client]
) -> None:
    footer = "Ask [us](https://wiki.acme.example), never @all <b>"
    orgs.services.change_settings(actor=SYSTEM, changes={"comment_footer": footer, "commands_in_replies": False})

    page = client_for(alice).get(ADDRESS).content.decode()

    assert (
        '<a href="https://wiki.acme.example" rel="noopener noreferrer nofollow">us</a>, never <code>@all</code>' in page
    )
    assert "<code>&lt;b&gt;</code>" in page
    assert "Reply to decide" not in page


def test_a_member_has_no_business_there(bob: User, client_for: Callable[[User], Client]) -> None:
    assert client_for(bob).get(ADDRESS).status_code == 403
