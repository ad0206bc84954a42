"""Every model is looked at, so that what is added tomorrow belongs to somebody and is asked for through the scope.

That its table is fenced is a contract: tests/contract/test_tenancy.py.
"""

from __future__ import annotations

import pytest
from django.apps import apps

from providers.models import Price
from tenancy.models import Organization, OwnedByOrganization, OwnedManager

OF_OTHERS = {"auth", "contenttypes", "sessions", "account", "mfa", "socialaccount", "usersessions"}
MODELS_OF_TENANTS = [model for model in apps.get_models() if issubclass(model, OwnedByOrganization)]


def test_every_model_of_ours_belongs_to_an_organization() -> None:
    ours = {model for model in apps.get_models() if model._meta.app_label not in OF_OTHERS}

    assert ours - set(MODELS_OF_TENANTS) == {Organization, Price}


@pytest.mark.parametrize("model", MODELS_OF_TENANTS, ids=lambda model: model.__name__)
def test_a_tenants_model_is_asked_through_the_scope_by_default(model: type[OwnedByOrganization]) -> None:
    assert isinstance(model._default_manager, OwnedManager)
