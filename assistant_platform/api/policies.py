"""Policies at Semgrep's addresses: one for each mode, with the rules that are in it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

import rules.selectors
import rules.services
from assistant_platform.api import paging
from assistant_platform.api.base import OrgView
from assistant_platform.api.findings.filters import POLICY_IDS
from orgs.permissions import Permission
from rules.models import Mode, Rule

LARGEST_PAGE = 1000
# Semgrep's words for modes.
MODES = {f"MODE_{mode.value.upper()}": mode for mode in Mode}
WORD_OF_MODE = {mode: word for word, mode in MODES.items()}


class PolicySerializer(serializers.Serializer[Any]):
    """A policy: what the rules in it may do."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    slug = serializers.CharField()
    product_type = serializers.CharField()
    is_default = serializers.BooleanField(help_text="Whether a rule that was not seen before begins here.")


class PoliciesSerializer(serializers.Serializer[Any]):
    """The policies of a deployment."""

    policies = PolicySerializer(many=True)


class PolicyRuleSerializer(serializers.Serializer[Any]):
    """A rule in a policy."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    path = serializers.CharField(help_text="The rule's identifier: `rulePath` of a change.")
    severity = serializers.CharField()
    category = serializers.CharField(allow_blank=True)
    policyMode = serializers.ChoiceField(choices=list(MODES))  # noqa: N815  (Semgrep's name)


class PolicyRulesSerializer(serializers.Serializer[Any]):
    """A page of the rules in a policy, by identifier."""

    policy = PolicySerializer()
    rules = PolicyRuleSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class PolicyChangeSerializer(serializers.Serializer[Any]):
    """A rule, and the mode that it is to have."""

    rulePath = serializers.CharField(max_length=500, help_text="The rule's identifier.")  # noqa: N815  (Semgrep's)
    policyMode = serializers.ChoiceField(choices=list(MODES))  # noqa: N815  (Semgrep's)


def _policy(policy_id: int) -> dict[str, Any]:
    mode = POLICY_IDS[policy_id]
    return {
        "id": policy_id,
        "name": mode.label,
        "slug": mode.value,
        "product_type": "sast",
        "is_default": rules.selectors.policy_settings().default_mode == mode,
    }


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.pk,
        "name": rule.name,
        "path": rule.identifier,
        "severity": rule.get_severity_display().lower(),
        "category": rule.category,
        "policyMode": WORD_OF_MODE[Mode(rule.mode)],
    }


class PoliciesView(OrgView):
    """The policies of a deployment."""

    read_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW
    write_permission: ClassVar[Permission] = Permission.POLICIES_MANAGE

    @extend_schema(operation_id="list_policies", responses={200: PoliciesSerializer})
    def get(self, request: Request, slug: str) -> Response:
        """Return the policies: one for each mode."""
        with self.scope(), transaction.atomic():
            return Response({"policies": [_policy(policy_id) for policy_id in POLICY_IDS]})


class PolicyView(OrgView):
    """One policy."""

    read_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW
    write_permission: ClassVar[Permission] = Permission.POLICIES_MANAGE
    query = (
        paging.CURSOR,
        OpenApiParameter(
            "page_size", int, description=f"1 to {LARGEST_PAGE}; {paging.DEFAULT_PAGE_SIZE} if not given."
        ),
    )

    @extend_schema(operation_id="list_policy_rules", responses={200: PolicyRulesSerializer})
    def get(self, request: Request, slug: str, policy_id: int) -> Response:
        """Return the rules that have the policy's mode, by identifier."""
        size = paging.size_of(request, largest=LARGEST_PAGE)
        with self.scope(), transaction.atomic():
            policy = self._told(policy_id)
            found = rules.selectors.known().filter(mode=POLICY_IDS[policy_id])
            page = paging.page_of(found, request, order=(("identifier", str),), is_descending=False, size=size)
            return paging.answer(request, "rules", [_rule(rule) for rule in page.rows], page, policy=policy)

    @extend_schema(operation_id="change_policy", request=PolicyChangeSerializer, responses={200: PolicyRuleSerializer})
    def put(self, request: Request, slug: str, policy_id: int) -> Response:
        """Give a rule a mode. As with Semgrep the mode is in the body: `policy_id` only has to be there."""
        with self.scope(), transaction.atomic():
            self._told(policy_id)
            sent = PolicyChangeSerializer(data=request.data)
            sent.is_valid(raise_exception=True)
            rule = rules.selectors.known().filter(identifier=sent.validated_data["rulePath"]).first()
            if rule is None:
                raise ValidationError({"rulePath": ["There is no such rule in this deployment."]})
            locked = list(Rule.objects.select_for_update().filter(pk=rule.pk))
            rules.services.change_modes(
                selection=rules.services.freeze(locked),
                mode=MODES[sent.validated_data["policyMode"]],
                actor=self.actor,
            )
            return Response(_rule(rules.selectors.known().get(pk=rule.pk)))

    def _told(self, policy_id: int) -> dict[str, Any]:
        if policy_id not in POLICY_IDS:
            raise NotFound("There is no such policy in this deployment.")
        return _policy(policy_id)
