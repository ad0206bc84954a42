"""The deployment that a token sees: its own."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from assistant_platform.api.base import ApiView, OrgView
from orgs.permissions import Permission
from tenancy.models import Organization


class LinkSerializer(serializers.Serializer[Any]):
    """Where something is read."""

    url = serializers.URLField()


class DeploymentSerializer(serializers.Serializer[Any]):
    """An organization, which Semgrep calls a deployment."""

    id = serializers.IntegerField()
    slug = serializers.CharField()
    name = serializers.CharField()
    findings = LinkSerializer()


class DeploymentsSerializer(serializers.Serializer[Any]):
    """The deployments of a token: one."""

    deployments = DeploymentSerializer(many=True)


def _told(organization: Organization, request: Request) -> dict[str, Any]:
    address = reverse("api-findings", kwargs={"slug": organization.slug}, request=request)
    return {
        "id": organization.pk,
        "slug": organization.slug,
        "name": organization.name,
        "findings": {"url": address},
    }


class DeploymentsView(ApiView):
    """What the token sees."""

    read_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW
    write_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW

    @extend_schema(operation_id="list_deployments", responses={200: DeploymentsSerializer})
    def get(self, request: Request) -> Response:
        """Return the token's own deployment, in a list as Semgrep does."""
        with self.scope():
            return Response({"deployments": [_told(self.token.organization, request)]})


class DeploymentView(OrgView):
    """One deployment."""

    read_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW
    write_permission: ClassVar[Permission] = Permission.FINDINGS_VIEW

    @extend_schema(operation_id="get_deployment", responses={200: DeploymentSerializer})
    def get(self, request: Request, slug: str) -> Response:
        """Return the deployment."""
        with self.scope():
            return Response(_told(self.token.organization, request))
