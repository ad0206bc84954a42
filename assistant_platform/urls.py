"""Every address."""

from __future__ import annotations

import allauth.account.views
from django.urls import URLPattern, URLResolver, include, path

from assistant_platform.web import ci, cli_login, finding, findings, health, home, model_calls, projects, scans
from assistant_platform.web.settings import deployment

pages_of_organization: list[URLPattern | URLResolver] = [
    path("", home.organization_root, name="organization"),
    path("findings/", findings.findings_page, name="findings"),
    path("findings/filters/", findings.findings_facets, name="findings-facets"),
    path("findings/<int:finding_id>/", finding.finding_page, name="finding"),
    path("findings/<int:finding_id>/feedback/", findings.give_feedback, name="finding-feedback"),
    path("findings/<int:finding_id>/ignore/", finding.ignore, name="finding-ignore"),
    path("findings/<int:finding_id>/triage/", finding.set_triage, name="finding-triage"),
    path("findings/<int:finding_id>/notes/", finding.add_note, name="finding-notes"),
    path("findings/<int:finding_id>/analyze/", finding.analyze, name="finding-analyze"),
    path("findings/<int:finding_id>/patch", finding.download_patch, name="finding-patch"),
    path("projects/", projects.projects_page, name="projects"),
    path("projects/<int:project_id>/", projects.project_page, name="project"),
    path("scans/", scans.scans_page, name="scans"),
    path("scans/<int:scan_id>/", scans.scan_page, name="scan"),
    path("upload/", scans.upload_page, name="upload"),
    path("ci/", ci.ci_page, name="ci"),
    path("settings/deployment/", deployment.deployment_page, name="settings-deployment"),
    path("settings/deployment/save/", deployment.save_deployment, name="settings-deployment-save"),
    path("settings/deployment/consent/", deployment.change_consent, name="settings-deployment-consent"),
    path("model-calls/<int:call_id>/", model_calls.model_call_page, name="model-call"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    # Only these two of django-allauth's pages: accounts are made by the operator.
    path("accounts/login/", allauth.account.views.login, name="account_login"),
    path("accounts/logout/", allauth.account.views.logout, name="account_logout"),
    path("login", cli_login.cli_login, name="cli-login"),  # where `semgrep login` sends people
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("api/v1/", include("assistant_platform.api.urls")),
    path("", include("assistant_platform.api.semgrep_ci.urls")),
    path("orgs/<slug:slug>/", include(pages_of_organization)),
]

handler400 = "assistant_platform.errors.bad_request"
handler404 = "assistant_platform.errors.not_found"
handler500 = "assistant_platform.errors.server_error"
