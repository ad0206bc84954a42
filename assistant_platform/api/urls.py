"""The addresses of the REST API, below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from assistant_platform.api import findings, scans, usage

urlpatterns = [
    path("deployments/<slug:slug>/scans", scans.ScansView.as_view(), name="api-scans"),
    path("deployments/<slug:slug>/scans/<int:scan_id>", scans.ScanView.as_view(), name="api-scan"),
    path("deployments/<slug:slug>/findings/<int:finding_id>", findings.FindingView.as_view(), name="api-finding"),
    path("deployments/<slug:slug>/usage", usage.UsageView.as_view(), name="api-usage"),
    path("deployments/<slug:slug>/budget", usage.BudgetView.as_view(), name="api-budget"),
]
