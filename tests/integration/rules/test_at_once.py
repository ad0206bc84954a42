"""Two people change the same rules at the same moment, each in a transaction of its own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connections, transaction

import rules.services
from events.kinds import SYSTEM
from rules.models import Mode, Rule, RuleChange
from rules.services import SelectionChanged
from tenancy.scope import acting_for
from tests import factories


def test_of_two_changes_at_once_one_is_made_and_the_other_refused(committed: None) -> None:
    organization = factories.an_organization("acme", admin=factories.a_person("alice@acme.example"))
    with acting_for(organization.pk), transaction.atomic():
        seen = rules.services.freeze([factories.a_rule("a.first"), factories.a_rule("a.second")])
    start = Barrier(2)

    def change(mode: Mode) -> str:
        try:
            with acting_for(organization.pk):
                start.wait(timeout=20)
                rules.services.change_modes(selection=seen, mode=mode, actor=SYSTEM)
        except SelectionChanged:
            return "refused"
        finally:
            connections.close_all()
        return mode

    with ThreadPoolExecutor(2) as threads:
        said = list(threads.map(change, [Mode.BLOCK, Mode.COMMENT]))

    assert said.count("refused") == 1
    with acting_for(organization.pk), transaction.atomic():
        modes = set(Rule.objects.values_list("mode", flat=True))
        assert modes == set(said) - {"refused"}
        assert RuleChange.objects.count() == 2
