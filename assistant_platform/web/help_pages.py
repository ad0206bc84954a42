"""Pages of docs/ that the application itself links to."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from assistant_platform.web.rendering.manual import manual_page


@require_safe
def settings_help(request: HttpRequest) -> HttpResponse:
    """Show what each setting does; anybody may read it, as in the repository."""
    page = manual_page(settings.BASE_DIR / "docs" / "settings.md")
    return render(request, "help.html", {"page": page})
