"""The addresses of the REST API, below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from assistant_platform.api import deployments, docs, projects, scans
from assistant_platform.api.findings import deciding, detail, lists
from assistant_platform.api.schema import SchemaView

DEPLOYMENT = "deployments/<slug:slug>"
FINDING = f"{DEPLOYMENT}/findings/<int:finding_id>"
PROJECTS = f"{DEPLOYMENT}/projects"

urlpatterns = [
    path("schema", SchemaView.as_view(), name="api-schema"),
    path("docs", docs.docs_page, name="api-docs"),
    path("deployments", deployments.DeploymentsView.as_view(), name="api-deployments"),
    path(DEPLOYMENT, deployments.DeploymentView.as_view(), name="api-deployment"),
    path(f"{DEPLOYMENT}/scans", scans.ScansView.as_view(), name="api-scans"),
    path(f"{DEPLOYMENT}/scans/<int:scan_id>", scans.ScanView.as_view(), name="api-scan"),
    path(f"{DEPLOYMENT}/findings", lists.FindingsView.as_view(), name="api-findings"),
    path(f"{DEPLOYMENT}/findings/counts", lists.FindingCountsView.as_view(), name="api-finding-counts"),
    path(FINDING, deciding.FindingView.as_view(), name="api-finding"),
    path(f"{FINDING}/activity", detail.ActivityView.as_view(), name="api-activity"),
    path(f"{FINDING}/notes", detail.NotesView.as_view(), name="api-notes"),
    path(f"{FINDING}/patch", detail.PatchView.as_view(), name="api-patch"),
    path(f"{FINDING}/analyze", detail.AnalyzeView.as_view(), name="api-analyze"),
    path(f"{DEPLOYMENT}/triage", deciding.TriageView.as_view(), name="api-triage"),
    path(f"{DEPLOYMENT}/triage/<int:bulk_id>/undo", deciding.BulkTriageUndoView.as_view(), name="api-triage-undo"),
    path(PROJECTS, projects.ProjectsView.as_view(), name="api-projects"),
    # A project's name may hold slashes, so these come last.
    path(f"{PROJECTS}/<path:project_name>/tags", projects.ProjectTagsView.as_view(), name="api-project-tags"),
    path(f"{PROJECTS}/<path:project_name>", projects.ProjectView.as_view(), name="api-project"),
]
