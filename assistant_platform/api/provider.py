"""The AI provider of a deployment: its connections in order, and the models of single steps. Keys go in, never out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

import orgs.selectors
import providers.selectors
import providers.services
from assistant_platform.api.base import OrgView
from orgs.permissions import Permission
from providers.drafts import LONGEST_HEADERS, LONGEST_KEY, ConnectionRefused, Draft, shown_target_uri
from providers.models import Connection, Step, StepModel, Vendor

REFUSED = OpenApiResponse(description="What is wrong, by field; nothing was changed")


class ConnectionSerializer(serializers.ModelSerializer[Connection]):
    """A connection without its secrets."""

    id = serializers.CharField()
    target_uri = serializers.SerializerMethodField(help_text="Azure OpenAI only.")
    has_secrets = serializers.SerializerMethodField(help_text="Whether a key or headers are stored.")

    class Meta:
        model = Connection
        fields = (
            "id",
            "vendor",
            "position",
            "model",
            "target_uri",
            "base_url",
            "api_version",
            "region",
            "role_arn",
            "external_id",
            "input_price",
            "output_price",
            "has_secrets",
            "checked_at",
            "problem",
            "saved_by",
            "saved_at",
        )
        read_only_fields = fields

    def get_target_uri(self, connection: Connection) -> str:
        """Return the Target URI as it was given."""
        return shown_target_uri(connection) if connection.vendor == Vendor.AZURE_OPENAI else ""

    def get_has_secrets(self, connection: Connection) -> bool:
        """Tell whether secrets are stored."""
        return bool(connection.sealed_secrets)


class ConnectionDraftSerializer(serializers.Serializer[Any]):
    """What a connection is to be. Secrets left out are those that are stored, as long as the address is the same."""

    vendor = serializers.ChoiceField(choices=Vendor.choices)
    model = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)
    target_uri = serializers.CharField(required=False, default="", allow_blank=True, max_length=1000)
    base_url = serializers.CharField(required=False, default="", allow_blank=True, max_length=500)
    region = serializers.CharField(required=False, default="", allow_blank=True, max_length=40)
    role_arn = serializers.CharField(required=False, default="", allow_blank=True, max_length=200)
    key = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=LONGEST_KEY, write_only=True, help_text="AWS: its id."
    )
    secret_key = serializers.CharField(
        required=False, default="", allow_blank=True, max_length=LONGEST_KEY, write_only=True, help_text="AWS only."
    )
    headers = serializers.DictField(
        child=serializers.CharField(max_length=LONGEST_HEADERS), required=False, default=dict, write_only=True
    )
    forgets_secrets = serializers.BooleanField(required=False, default=False, write_only=True)
    input_price = serializers.DecimalField(
        max_digits=12, decimal_places=6, required=False, allow_null=True, default=None, min_value=0
    )
    output_price = serializers.DecimalField(
        max_digits=12, decimal_places=6, required=False, allow_null=True, default=None, min_value=0
    )

    def validate_headers(self, headers: dict[str, str]) -> dict[str, str]:
        """Refuse what would be more than one line."""
        if any("\n" in text or "\r" in text for pair in headers.items() for text in pair):
            raise serializers.ValidationError("A header is one line.")
        return headers

    def draft(self) -> Draft:
        """Return it as the service takes it."""
        sent = dict(self.validated_data)
        headers = "\n".join(f"{name}: {value}" for name, value in sent.pop("headers").items())
        return Draft(**{**sent, "vendor": Vendor(sent["vendor"]), "headers": headers})


class NewConnectionSerializer(ConnectionDraftSerializer):
    """A connection to be added."""

    is_first = serializers.BooleanField(
        required=False,
        default=False,
        write_only=True,
        help_text="It answers first; otherwise it stands in, as the last.",
    )


class StepModelSerializer(serializers.ModelSerializer[StepModel]):
    """A step with a model of its own."""

    connection_id = serializers.CharField()

    class Meta:
        model = StepModel
        fields = ("step", "connection_id", "model")


class StepModelsSerializer(serializers.Serializer[Any]):
    """Every step that has a model of its own; a step that is not named has none."""

    step_models = StepModelSerializer(many=True)


class OrderSerializer(serializers.Serializer[Any]):
    """Every connection once, the first first."""

    connections = serializers.ListField(child=serializers.CharField(), max_length=50)


class CheckSerializer(serializers.Serializer[Any]):
    """How a test of a connection went."""

    answers = serializers.BooleanField()
    problem = serializers.CharField(allow_blank=True)


class ProviderSerializer(serializers.Serializer[Any]):
    """Who answers."""

    answered_by = serializers.CharField(help_text="Who judges findings now, in words.")
    has_consent = serializers.BooleanField(help_text="Whether an Admin accepted that code is sent.")
    connections = ConnectionSerializer(many=True)
    step_models = StepModelSerializer(many=True)


class ProviderView(OrgView):
    """Read-only endpoints of the provider need the same right as the page: who may choose may see."""

    read_permission: ClassVar[Permission] = Permission.PROVIDER_MANAGE
    write_permission: ClassVar[Permission] = Permission.PROVIDER_MANAGE

    def connection(self, connection_id: int) -> Connection:
        """Return a connection of the deployment, or answer that there is none."""
        with transaction.atomic():
            found = providers.selectors.connections().filter(pk=connection_id).first()
        if found is None:
            raise NotFound("There is no such connection in this deployment.")
        return found

    def answer(self) -> Response:
        """Return who answers now."""
        with transaction.atomic():
            body = ProviderSerializer(
                {
                    "answered_by": providers.selectors.chosen().label,
                    "has_consent": orgs.selectors.assistant_settings().has_consent,
                    "connections": list(providers.selectors.connections()),
                    "step_models": list(providers.selectors.step_models().values()),
                }
            ).data
        return Response(body)


@contextmanager
def refusals_by_field() -> Iterator[None]:
    """Answer what a service refuses under the field that it is about."""
    try:
        yield
    except ConnectionRefused as refused:
        raise ValidationError({refused.field or "detail": [str(refused)]}) from None


class DeploymentProviderView(ProviderView):
    """The AI provider as a whole."""

    @extend_schema(operation_id="get_provider", responses={200: ProviderSerializer})
    def get(self, request: Request, slug: str) -> Response:
        """Say who answers, in which order, with which models."""
        with self.scope():
            return self.answer()


class ConnectionsView(ProviderView):
    """The connections in their order."""

    @extend_schema(
        operation_id="add_connection",
        request=NewConnectionSerializer,
        responses={201: ConnectionSerializer, 400: REFUSED},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Try a connection with a tiny question, and add it where it answers; this takes up to 20 seconds."""
        sent = NewConnectionSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        is_first = sent.validated_data.pop("is_first")
        with self.scope(), refusals_by_field():
            saved = providers.services.add_connection(draft=sent.draft(), is_first=is_first, actor=self.actor)
            return Response(ConnectionSerializer(saved).data, status=status.HTTP_201_CREATED)


class ConnectionOrderView(ProviderView):
    """Who is asked before whom."""

    @extend_schema(
        operation_id="order_connections", request=OrderSerializer, responses={200: ProviderSerializer, 400: REFUSED}
    )
    def put(self, request: Request, slug: str) -> Response:
        """Put the connections in this order."""
        sent = OrderSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        # What is no number is nobody's, and so the service refuses it.
        wanted = [_number(each) for each in sent.validated_data["connections"]]
        with self.scope(), refusals_by_field():
            providers.services.order_connections(connection_ids=wanted, actor=self.actor)
            return self.answer()


class ConnectionView(ProviderView):
    """One connection."""

    @extend_schema(operation_id="get_connection", responses={200: ConnectionSerializer})
    def get(self, request: Request, slug: str, connection_id: int) -> Response:
        """Return a connection without its secrets."""
        with self.scope():
            return Response(ConnectionSerializer(self.connection(connection_id)).data)

    @extend_schema(
        operation_id="save_connection",
        request=ConnectionDraftSerializer,
        responses={200: ConnectionSerializer, 400: REFUSED},
    )
    def put(self, request: Request, slug: str, connection_id: int) -> Response:
        """Try what the connection is to be, and save it where it answers; the old one is in force until then."""
        with self.scope():
            connection = self.connection(connection_id)
            sent = ConnectionDraftSerializer(data=request.data)
            sent.is_valid(raise_exception=True)
            with refusals_by_field():
                saved = providers.services.change_connection(
                    connection=connection, draft=sent.draft(), actor=self.actor
                )
            return Response(ConnectionSerializer(saved).data)

    @extend_schema(operation_id="remove_connection", responses={204: None})
    def delete(self, request: Request, slug: str, connection_id: int) -> Response:
        """Forget a connection with its key."""
        with self.scope():
            connection = self.connection(connection_id)
            providers.services.remove_connection(connection=connection, actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ConnectionCheckView(ProviderView):
    """Whether a connection works."""

    @extend_schema(operation_id="check_connection", request=None, responses={200: CheckSerializer})
    def post(self, request: Request, slug: str, connection_id: int) -> Response:
        """Ask the connection a tiny question."""
        with self.scope():
            problem = providers.services.check_connection(connection=self.connection(connection_id))
        return Response({"answers": not problem, "problem": problem})


class StepModelsView(ProviderView):
    """The models of single steps."""

    @extend_schema(
        operation_id="set_step_models", request=StepModelsSerializer, responses={200: ProviderSerializer, 400: REFUSED}
    )
    def put(self, request: Request, slug: str) -> Response:
        """Try each model that is new, and save them all where all answer."""
        sent = StepModelsSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        wanted: dict[Step, tuple[Connection, str] | None] = dict.fromkeys(Step)
        with self.scope():
            for entry in sent.validated_data["step_models"]:
                connection = self.connection(_number(entry["connection_id"]))
                wanted[Step(entry["step"])] = (connection, entry["model"])
            with refusals_by_field():
                providers.services.set_step_models(wanted=wanted, actor=self.actor)
            return self.answer()


def _number(text: str) -> int:
    """Return an id that was sent as text; 0, which no row has, where it is none."""
    return int(text) if text.isdecimal() and len(text) < 19 else 0  # noqa: PLR2004  (bigint)
