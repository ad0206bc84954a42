"""The API's documentation as a page: made from the OpenAPI document, so that the two say the same."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def docs_page(request: HttpRequest) -> HttpResponse:
    """Show every operation of the API, for anybody: it holds no organization's data."""
    return render(request, "api/docs.html", {})
