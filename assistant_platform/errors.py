"""What is answered where no view is reached, or one fails: problem details or JSON below `/api/`, else a page."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults

from assistant_platform.api.problems import MEDIA_TYPE, problem

API_PREFIX = "/api/"
OWN_API_PREFIX = "/api/v1/"  # the rest below /api/ is the protocol of `semgrep ci`, whose client wants plain JSON


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that Django refused: another host's name, too many fields."""
    return _answer(request, HTTPStatus.BAD_REQUEST, lambda: defaults.bad_request(request, exception))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an address that leads nowhere."""
    return _answer(request, HTTPStatus.NOT_FOUND, lambda: defaults.page_not_found(request, exception))


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a defect of ours, which the log tells of and the answer does not."""
    return _answer(request, HTTPStatus.INTERNAL_SERVER_ERROR, lambda: defaults.server_error(request))


_WORDS = {
    HTTPStatus.BAD_REQUEST: "The request cannot be read.",
    HTTPStatus.NOT_FOUND: "There is nothing at this address.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong here, not in your request. Please try again later.",
}


def _answer(request: HttpRequest, status: HTTPStatus, page: Callable[[], HttpResponse]) -> HttpResponse:
    if request.path_info.startswith(OWN_API_PREFIX):
        return JsonResponse(problem(status, _WORDS[status]), status=status, content_type=MEDIA_TYPE)
    if request.path_info.startswith(API_PREFIX):
        return JsonResponse({"detail": _WORDS[status]}, status=status)
    return page()
