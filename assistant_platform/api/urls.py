"""The addresses of the REST API, below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from assistant_platform.api import findings, scans, settings

urlpatterns = [
    path("deployments/<slug:slug>/scans", scans.ScansView.as_view(), name="api-scans"),
    path("deployments/<slug:slug>/scans/<int:scan_id>", scans.ScanView.as_view(), name="api-scan"),
    path("deployments/<slug:slug>/findings/<int:finding_id>", findings.FindingView.as_view(), name="api-finding"),
    path("orgs/<slug:slug>/settings/", settings.OrganizationSettingsView.as_view(), name="api-settings"),
    path(
        "orgs/<slug:slug>/projects/<int:project_id>/settings/",
        settings.ProjectSettingsView.as_view(),
        name="api-project-settings",
    ),
]
