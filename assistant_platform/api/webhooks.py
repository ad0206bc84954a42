"""The outgoing webhooks of a deployment, and what was sent to each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

from django.db import transaction
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

import notifications.outgoing.selectors
import notifications.outgoing.services
from assistant_platform.api import paging
from assistant_platform.api.base import OrgView
from assistant_platform.api.problems import Conflict
from notifications.models import DeliveryState, WebhookEndpoint, WebhookMessage
from notifications.outgoing.catalogue import CHOICES
from notifications.outgoing.services import LONGEST_URL, EndpointRefused
from orgs.permissions import Permission

REFUSED = OpenApiResponse(description="What is wrong, by field; nothing was changed")


class WebhookSerializer(serializers.ModelSerializer[WebhookEndpoint]):
    """A webhook without its secret."""

    id = serializers.CharField()
    kinds = serializers.ListField(child=serializers.ChoiceField(choices=CHOICES))
    old_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="Until when the secret before the present one signs as well."
    )

    class Meta:
        model = WebhookEndpoint
        fields: tuple[str, ...] = (
            "id",
            "url",
            "kinds",
            "is_active",
            "problem",
            "failures",
            "failing_since",
            "old_secret_until",
            "created_by",
            "created_at",
        )
        read_only_fields = fields


class WebhookWithSecretSerializer(WebhookSerializer):
    """A webhook with its secret, in this answer and never again."""

    secret = serializers.CharField(help_text="Empty where the request is repeated with its `Idempotency-Key`.")

    class Meta(WebhookSerializer.Meta):
        fields = (*WebhookSerializer.Meta.fields, "secret")
        read_only_fields = fields


class WebhooksSerializer(serializers.Serializer[Any]):
    """Every webhook."""

    webhooks = WebhookSerializer(many=True)


class NewWebhookSerializer(serializers.Serializer[Any]):
    """A webhook to be added; without `kinds` it is told everything that there is now."""

    url = serializers.CharField(max_length=LONGEST_URL)
    kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=CHOICES), required=False, allow_empty=False, default=list(CHOICES)
    )


class WebhookChangeSerializer(serializers.Serializer[Any]):
    """What is to be different; what is left out stays."""

    url = serializers.CharField(max_length=LONGEST_URL, required=False)
    kinds = serializers.ListField(child=serializers.ChoiceField(choices=CHOICES), required=False, allow_empty=False)
    is_active = serializers.BooleanField(required=False)


class AttemptSerializer(serializers.Serializer[Any]):
    """One attempt."""

    at = serializers.DateTimeField()
    status = serializers.IntegerField(help_text="0 where no answer came.")
    ms = serializers.IntegerField()
    error = serializers.CharField(allow_blank=True)
    answer = serializers.CharField(allow_blank=True, help_text="Its first 2 kB.")


class WebhookMessageSerializer(serializers.ModelSerializer[WebhookMessage]):
    """A message, with all attempts to send it."""

    id = serializers.CharField()
    message_id = serializers.CharField(help_text="`webhook-id`: the same however often it is sent.")
    attempts = AttemptSerializer(many=True)
    next_try_at = serializers.SerializerMethodField(help_text="null where none will follow.")
    redelivery_of = serializers.CharField(source="redelivery_of_id", allow_null=True)
    body = serializers.JSONField()

    class Meta:
        model = WebhookMessage
        fields = (
            "id",
            "message_id",
            "kind",
            "state",
            "tries",
            "attempts",
            "next_try_at",
            "redelivery_of",
            "created_at",
            "sent_at",
            "body",
        )
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.DATETIME)
    def get_next_try_at(self, message: WebhookMessage) -> Any:
        """Return when it is tried next."""
        return message.next_try_at if message.state == DeliveryState.CLAIMED else None


class WebhookMessagesSerializer(serializers.Serializer[Any]):
    """A page of messages, newest first."""

    messages = WebhookMessageSerializer(many=True)
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class SinceSerializer(serializers.Serializer[Any]):
    """From when on what failed is sent again."""

    since = serializers.DateTimeField()


class SentAgainSerializer(serializers.Serializer[Any]):
    """How many messages are sent again."""

    count = serializers.IntegerField()


class WebhookView(OrgView):
    """Who may manage webhooks may see them; nobody else."""

    read_permission: ClassVar[Permission] = Permission.DESTINATIONS_MANAGE
    write_permission: ClassVar[Permission] = Permission.DESTINATIONS_MANAGE

    def webhook(self, webhook_id: int) -> WebhookEndpoint:
        """Return a webhook of the deployment, or answer that there is none."""
        with transaction.atomic():
            found = notifications.outgoing.selectors.endpoints().filter(pk=webhook_id).first()
        if found is None:
            raise NotFound("There is no such webhook in this deployment.")
        return found


@contextmanager
def refusals() -> Iterator[None]:
    """Answer what a service refuses in words: under the field that it is about, or as a conflict with what is."""
    try:
        yield
    except EndpointRefused as refused:
        if refused.field:
            raise ValidationError({refused.field: [str(refused)]}) from None
        raise Conflict(str(refused)) from None


class WebhooksView(WebhookView):
    """The webhooks."""

    shown_once = ("secret",)

    @extend_schema(operation_id="list_webhooks", responses={200: WebhooksSerializer})
    def get(self, request: Request, slug: str) -> Response:
        """List the webhooks without their secrets."""
        with self.scope(), transaction.atomic():
            rows = list(notifications.outgoing.selectors.endpoints())
            return Response(WebhooksSerializer({"webhooks": rows}).data)

    @extend_schema(
        operation_id="add_webhook",
        request=NewWebhookSerializer,
        responses={201: WebhookWithSecretSerializer, 400: REFUSED, 409: REFUSED},
    )
    def post(self, request: Request, slug: str) -> Response:
        """Add a webhook and return its secret, this once."""
        sent = NewWebhookSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        with self.scope(), refusals():
            endpoint, secret = notifications.outgoing.services.add_endpoint(**sent.validated_data, actor=self.actor)
        return _with_secret(endpoint, secret, status.HTTP_201_CREATED)


class OneWebhookView(WebhookView):
    """One webhook."""

    @extend_schema(operation_id="get_webhook", responses={200: WebhookSerializer})
    def get(self, request: Request, slug: str, webhook_id: int) -> Response:
        """Return a webhook without its secret."""
        with self.scope():
            return Response(WebhookSerializer(self.webhook(webhook_id)).data)

    @extend_schema(
        operation_id="change_webhook",
        request=WebhookChangeSerializer,
        responses={200: WebhookSerializer, 400: REFUSED, 409: REFUSED},
    )
    def patch(self, request: Request, slug: str, webhook_id: int) -> Response:
        """Change address or kinds, switch it on or off."""
        sent = WebhookChangeSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        changes = sent.validated_data
        with self.scope(), refusals():
            endpoint = self.webhook(webhook_id)
            if "url" in changes or "kinds" in changes:
                endpoint = notifications.outgoing.services.change_endpoint(
                    endpoint=endpoint,
                    url=changes.get("url", endpoint.url),
                    kinds=changes.get("kinds", endpoint.kinds),
                    actor=self.actor,
                )
            if "is_active" in changes:
                endpoint = notifications.outgoing.services.switch(
                    endpoint=endpoint, on=changes["is_active"], actor=self.actor
                )
        return Response(WebhookSerializer(endpoint).data)

    @extend_schema(operation_id="remove_webhook", responses={204: None})
    def delete(self, request: Request, slug: str, webhook_id: int) -> Response:
        """Forget a webhook with its secret and its messages."""
        with self.scope():
            notifications.outgoing.services.remove_endpoint(endpoint=self.webhook(webhook_id), actor=self.actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


class WebhookSecretView(WebhookView):
    """The secret of a webhook."""

    shown_once = ("secret",)

    @extend_schema(
        operation_id="rotate_webhook_secret", request=None, responses={200: WebhookWithSecretSerializer, 409: REFUSED}
    )
    def post(self, request: Request, slug: str, webhook_id: int) -> Response:
        """Make a new secret and return it, this once; for 24 hours the one before signs as well."""
        with self.scope(), refusals():
            endpoint, secret = notifications.outgoing.services.rotate_secret(
                endpoint=self.webhook(webhook_id), actor=self.actor
            )
        return _with_secret(endpoint, secret, status.HTTP_200_OK)


class WebhookTestView(WebhookView):
    """Trying a webhook."""

    @extend_schema(operation_id="test_webhook", request=None, responses={202: WebhookMessageSerializer, 409: REFUSED})
    def post(self, request: Request, slug: str, webhook_id: int) -> Response:
        """Have a test message sent; its attempts can be read among the messages."""
        with self.scope(), refusals():
            message = notifications.outgoing.services.send_test(endpoint=self.webhook(webhook_id), actor=self.actor)
        return Response(WebhookMessageSerializer(message).data, status=status.HTTP_202_ACCEPTED)


class WebhookMessagesView(WebhookView):
    """What a webhook was or will be told."""

    query = (
        *paging.PAGED,
        OpenApiParameter("state", str, enum=DeliveryState.values, description="claimed (waiting), sent or failed."),
    )

    @extend_schema(operation_id="list_webhook_messages", responses={200: WebhookMessagesSerializer})
    def get(self, request: Request, slug: str, webhook_id: int) -> Response:
        """Return the messages of the last 30 days, newest first."""
        size = paging.size_of(request)
        state = request.query_params.get("state", "")
        if state and state not in DeliveryState.values:
            raise ValidationError({"state": [f"{state[:60]!r} is none of: {', '.join(DeliveryState.values)}."]})
        with self.scope():
            told = notifications.outgoing.selectors.messages_of(self.webhook(webhook_id))
            with transaction.atomic():
                rows = told.filter(state=state) if state else told
                page = paging.page_of(rows, request, order=(("pk", int),), is_descending=True, size=size)
                return paging.answer(request, "messages", WebhookMessageSerializer(page.rows, many=True).data, page)


class WebhookMessageAgainView(WebhookView):
    """Sending one message again."""

    @extend_schema(
        operation_id="send_webhook_message_again",
        request=None,
        responses={202: WebhookMessageSerializer, 409: REFUSED},
    )
    def post(self, request: Request, slug: str, webhook_id: int, message_id: int) -> Response:
        """Have a message sent once more with the id that it had; while it waits, it is not sent twice."""
        with self.scope(), refusals():
            endpoint = self.webhook(webhook_id)
            with transaction.atomic():
                told = notifications.outgoing.selectors.messages_of(endpoint).select_related("endpoint")
                message = told.filter(pk=message_id).first()
            if message is None:
                raise NotFound("There is no such message of this webhook.")
            made = notifications.outgoing.services.send_again(message=message, actor=self.actor)
        return Response(WebhookMessageSerializer(made).data, status=status.HTTP_202_ACCEPTED)


class WebhookFailedAgainView(WebhookView):
    """Sending again what failed."""

    @extend_schema(
        operation_id="send_failed_webhook_messages_again",
        request=SinceSerializer,
        responses={202: SentAgainSerializer, 409: REFUSED},
    )
    def post(self, request: Request, slug: str, webhook_id: int) -> Response:
        """Have everything sent again that failed since then and has not come through, a thousand at most."""
        with self.scope(), refusals():
            endpoint = self.webhook(webhook_id)  # first: whoever asks for another organization's learns nothing
            sent = SinceSerializer(data=request.data)
            sent.is_valid(raise_exception=True)
            count = notifications.outgoing.services.send_failed_again(
                endpoint=endpoint, since=sent.validated_data["since"], actor=self.actor
            )
        return Response({"count": count}, status=status.HTTP_202_ACCEPTED)


def _with_secret(endpoint: WebhookEndpoint, secret: str, code: int) -> Response:
    told = {**WebhookSerializer(endpoint).data, "secret": secret}
    return Response(told, status=code, headers={"Cache-Control": "no-store"})
