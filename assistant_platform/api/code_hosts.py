"""The code hosts of a deployment and the repositories chosen there. Tokens go in, never out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

import orgs.selectors
import scm.listing
import scm.selectors
import scm.services
from assistant_platform.api.base import OrgView
from assistant_platform.api.problems import Conflict
from orgs.models import Project
from orgs.permissions import Permission
from scm.adapters.base import ScmError
from scm.certificates import LONGEST_BUNDLE
from scm.drafts import LONGEST_PRIVATE_KEY, LONGEST_TOKEN, LONGEST_URL, LONGEST_WEBHOOK_SECRET, HostDraft, HostRefused
from scm.models import CodeHost, HostKind, Repository
from scm.services import RepositoryRefused

REFUSED = OpenApiResponse(description="What is wrong, by field; nothing was changed")
PAGE_SIZE = 100


class PermissionCheckSerializer(serializers.Serializer[Any]):
    """One thing that is needed there, as the host said when it was last asked."""

    name = serializers.CharField()
    needed_for = serializers.CharField()
    granted = serializers.BooleanField(allow_null=True, help_text="null where the host does not say")
    detail = serializers.CharField(allow_blank=True)


class CodeHostSerializer(serializers.ModelSerializer[CodeHost]):
    """A code host without its secrets."""

    id = serializers.CharField()
    hook_url = serializers.SerializerMethodField(help_text="Where the host is to send its webhooks.")
    checks = PermissionCheckSerializer(many=True)

    class Meta:
        model = CodeHost
        fields = (
            "id",
            "kind",
            "base_url",
            "is_app",
            "app_id",
            "app_slug",
            "account",
            "proxy_url",
            "checks",
            "checked_at",
            "problem",
            "hook_url",
            "hook_seen_at",
            "refused_count",
            "saved_by",
            "saved_at",
        )
        read_only_fields = fields

    def get_hook_url(self, host: CodeHost) -> str:
        """Return the address of webhooks."""
        return scm.selectors.hook_url(host)


class CodeHostsSerializer(serializers.Serializer[Any]):
    """Every code host."""

    code_hosts = CodeHostSerializer(many=True)


class HostDraftSerializer(serializers.Serializer[Any]):
    """A code host to be connected: by `token`, or as a GitHub App by `app_id` and `private_key`."""

    kind = serializers.ChoiceField(choices=HostKind.choices)
    base_url = serializers.CharField(max_length=LONGEST_URL, help_text="As in a browser, such as https://gitlab.com.")
    token = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=LONGEST_TOKEN, write_only=True
    )
    app_id = serializers.CharField(required=False, default="", allow_blank=True, max_length=20)
    private_key = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=LONGEST_PRIVATE_KEY,
        write_only=True,
        trim_whitespace=False,
        help_text="PEM.",
    )
    webhook_secret = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=LONGEST_WEBHOOK_SECRET,
        write_only=True,
        help_text="One is made where it is left out.",
    )
    proxy_url = serializers.CharField(required=False, default="", allow_blank=True, max_length=LONGEST_URL)
    ca_bundle = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=LONGEST_BUNDLE, help_text="PEM."
    )

    def draft(self) -> HostDraft:
        """Return it as the service takes it."""
        sent = dict(self.validated_data)
        return HostDraft(**{**sent, "kind": HostKind(sent["kind"]), "is_app": bool(sent["app_id"])})


class HostCheckSerializer(serializers.Serializer[Any]):
    """How a test of the connection went."""

    lets_us_in = serializers.BooleanField()
    problem = serializers.CharField(allow_blank=True)
    code_host = CodeHostSerializer()


class ChosenSerializer(serializers.ModelSerializer[Repository]):
    """A repository that was chosen, with the project that it belongs to."""

    id = serializers.CharField()
    code_host_id = serializers.CharField(source="host_id")
    project = serializers.CharField(source="project.name")
    is_webhook_set_up = serializers.SerializerMethodField(help_text="By us; an App needs none of its own.")

    class Meta:
        model = Repository
        fields = (
            "id",
            "code_host_id",
            "external_id",
            "full_name",
            "web_url",
            "default_branch",
            "is_private",
            "is_archived",
            "project",
            "is_webhook_set_up",
            "problem",
            "connected_at",
        )
        read_only_fields = fields

    def get_is_webhook_set_up(self, repository: Repository) -> bool:
        """Tell whether the host was told to send webhooks."""
        assert repository.host is not None
        return repository.host.is_app or bool(repository.hook_id)


class ListedSerializer(serializers.Serializer[Any]):
    """A repository as its host lists it."""

    external_id = serializers.CharField()
    full_name = serializers.CharField()
    web_url = serializers.CharField()
    is_private = serializers.BooleanField()
    is_archived = serializers.BooleanField()
    chosen = ChosenSerializer(allow_null=True, help_text="null where it is not connected; then nothing of it is read")


class ListingSerializer(serializers.Serializer[Any]):
    """One page of what a host lists, by name."""

    repositories = ListedSerializer(many=True)
    total = serializers.IntegerField()
    problem = serializers.CharField(allow_blank=True, help_text="Why some may be missing.")


class ChoiceSerializer(serializers.Serializer[Any]):
    """A repository to be connected."""

    repository = serializers.CharField(max_length=400, help_text="Its full name, or its number at the host.")
    project = serializers.CharField(
        max_length=200,
        required=False,
        default="",
        allow_blank=True,
        help_text="A project that is moved there. Left out: the one of the same name or address, or a new one.",
    )


class ConnectedSerializer(serializers.Serializer[Any]):
    """What became of a choice."""

    repository = ChosenSerializer()
    is_new_project = serializers.BooleanField()
    webhook_problem = serializers.CharField(
        allow_blank=True, help_text="Why the host could not be told to send webhooks; set one up by hand then."
    )


class DisconnectedSerializer(serializers.Serializer[Any]):
    """What is left behind."""

    webhook_problem = serializers.CharField(allow_blank=True, help_text="Why the webhook there was not removed.")


class CodeHostView(OrgView):
    """Who may choose repositories may see them; nobody else."""

    read_permission: ClassVar[Permission] = Permission.CODE_HOSTS_MANAGE
    write_permission: ClassVar[Permission] = Permission.CODE_HOSTS_MANAGE

    def host(self, host_id: int) -> CodeHost:
        """Return a code host of the deployment, or answer that there is none."""
        with transaction.atomic():
            found = scm.selectors.code_hosts().filter(pk=host_id).first()
        if found is None:
            raise NotFound("There is no such code host in this deployment.")
        return found


@contextmanager
def refusals_by_field() -> Iterator[None]:
    """Answer what a service or the host refuses in words, under the field that it is about."""
    try:
        yield
    except HostRefused as refused:
        raise ValidationError({refused.field or "detail": [str(refused)]}) from None
    except RepositoryRefused as refused:
        raise Conflict(str(refused)) from None
    except ScmError as error:
        raise ValidationError({"repository": [str(error)]}) from None


class DeploymentCodeHostsView(CodeHostView):
    """The code hosts."""

    @extend_schema(operation_id="list_code_hosts", responses={200: CodeHostsSerializer})
    def get(self, request: Request, slug: str) -> Response:
        """List the code hosts without their secrets."""
        with self.scope(), transaction.atomic():
            return Response(CodeHostsSerializer({"code_hosts": list(scm.selectors.code_hosts())}).data)

    @extend_schema(
        operation_id="connect_code_host",
        request=HostDraftSerializer,
        responses={201: CodeHostSerializer, 400: REFUSED},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Ask a host who we are and what we may do there, and save it where it lets us in."""
        sent = HostDraftSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        with self.scope(), refusals_by_field():
            host = scm.services.connect_host(draft=sent.draft(), actor=self.actor)
            return Response(CodeHostSerializer(host).data, status=status.HTTP_201_CREATED)


class OneCodeHostView(CodeHostView):
    """One code host."""

    @extend_schema(operation_id="get_code_host", responses={200: CodeHostSerializer})
    def get(self, request: Request, slug: str, host_id: int) -> Response:
        """Return a code host without its secrets."""
        with self.scope():
            return Response(CodeHostSerializer(self.host(host_id)).data)

    @extend_schema(operation_id="remove_code_host", responses={204: None})
    def delete(self, request: Request, slug: str, host_id: int) -> Response:
        """Forget a host with its secrets; its repositories are disconnected, projects and findings stay."""
        with self.scope():
            host = self.host(host_id)
            scm.services.remove_webhooks(host=host)
            scm.services.remove_host(host=host, actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class CodeHostCheckView(CodeHostView):
    """Whether a host lets us in."""

    @extend_schema(operation_id="check_code_host", request=None, responses={200: HostCheckSerializer})
    def post(self, request: Request, slug: str, host_id: int) -> Response:
        """Ask a host who we are and what we may do there, permission by permission."""
        with self.scope():
            problem = scm.services.check_host(host=self.host(host_id))
            answer = {"lets_us_in": not problem, "problem": problem, "code_host": self.host(host_id)}
            return Response(HostCheckSerializer(answer).data)


class CodeHostRepositoriesView(CodeHostView):
    """The repositories of a host."""

    @extend_schema(
        operation_id="list_repositories",
        parameters=[
            OpenApiParameter("search", str, description="Words that the name must have."),
            OpenApiParameter("page", int, description=f"From 1; {PAGE_SIZE} a page."),
        ],
        responses={200: ListingSerializer, 400: REFUSED},
    )
    def get(self, request: Request, slug: str, host_id: int) -> Response:
        """List what the host shows us, by name, as it was up to five minutes ago; what is chosen says so."""
        number = request.query_params.get("page", "1")
        if not (number.isascii() and number.isdigit() and 0 < len(number) < 6 and int(number) > 0):  # noqa: PLR2004
            raise ValidationError({"page": ["Give a number from 1."]})
        begin = (int(number) - 1) * PAGE_SIZE
        with self.scope(), refusals_by_field():
            host = self.host(host_id)
            listing = scm.listing.repositories_of(host)
            found = listing.matching(request.query_params.get("search", ""))
            shown = found[begin : begin + PAGE_SIZE]
            ids = [each.external_id for each in shown]
            with transaction.atomic():
                chosen = {
                    row.external_id: row for row in scm.selectors.repositories_on(host).filter(external_id__in=ids)
                }
            rows = [
                {
                    "external_id": each.external_id,
                    "full_name": each.full_name,
                    "web_url": each.web_url,
                    "is_private": each.is_private,
                    "is_archived": each.is_archived,
                    "chosen": chosen.get(each.external_id),
                }
                for each in shown
            ]
            answer = {"repositories": rows, "total": len(found), "problem": listing.problem}
            return Response(ListingSerializer(answer).data)

    @extend_schema(
        operation_id="connect_repository",
        request=ChoiceSerializer,
        responses={201: ConnectedSerializer, 400: REFUSED, 409: REFUSED},
    )
    def post(self, request: Request, slug: str, host_id: int) -> Response:
        """Connect a repository to a project, which is made if there is none of its name."""
        with self.scope(), refusals_by_field():
            host = self.host(host_id)
            sent = ChoiceSerializer(data=request.data)
            sent.is_valid(raise_exception=True)
            connected = scm.services.connect_repository(
                host=host,
                name=sent.validated_data["repository"],
                project=_project(sent.validated_data["project"]),
                actor=self.actor,
            )
            with transaction.atomic():
                repository = scm.selectors.repositories_of_hosts().get(pk=connected.repository.pk)
            answer = {
                "repository": repository,
                "is_new_project": connected.is_new_project,
                "webhook_problem": connected.webhook_problem,
            }
            return Response(ConnectedSerializer(answer).data, status=status.HTTP_201_CREATED)


class RepositoryView(CodeHostView):
    """One repository that was chosen."""

    @extend_schema(operation_id="disconnect_repository", responses={200: DisconnectedSerializer})
    def delete(self, request: Request, slug: str, host_id: int, repository_id: int) -> Response:
        """Read nothing from a repository any more; its project stays."""
        with self.scope():
            host = self.host(host_id)
            with transaction.atomic():
                repository = scm.selectors.repositories_on(host).filter(pk=repository_id).first()
            if repository is None:
                raise NotFound("There is no such repository at this code host.")
            problem = scm.services.disconnect_repository(repository=repository, actor=self.actor)
            return Response({"webhook_problem": problem})


def _project(name: str) -> Project | None:
    if not name:
        return None
    with transaction.atomic():
        found = orgs.selectors.project_called(name)
    if found is None:
        raise ValidationError({"project": ["There is no such project."]})
    return found
