"""Every address."""

from __future__ import annotations

import allauth.account.views
from django.urls import URLPattern, URLResolver, include, path

from assistant_platform.web import finding, findings, health, help_pages, home, preview, projects, scans
from assistant_platform.web.settings import calls, deployment, of_project, prompts, provider, usage

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
    path("findings/<int:finding_id>/preview/", preview.preview_page, name="finding-preview"),
    path("findings/<int:finding_id>/patch", finding.download_patch, name="finding-patch"),
    path("projects/", projects.projects_page, name="projects"),
    path("projects/<int:project_id>/", projects.project_page, name="project"),
    path("projects/<int:project_id>/settings/", of_project.project_settings_page, name="project-settings"),
    path("projects/<int:project_id>/settings/save/", of_project.save_project_setting, name="project-settings-save"),
    path("scans/", scans.scans_page, name="scans"),
    path("scans/<int:scan_id>/", scans.scan_page, name="scan"),
    path("upload/", scans.upload_page, name="upload"),
    path("settings/deployment/", deployment.deployment_page, name="settings-deployment"),
    path("settings/deployment/save/", deployment.save_setting, name="settings-deployment-save"),
    path("settings/deployment/consent/", deployment.change_consent, name="settings-deployment-consent"),
    path("settings/prompts/", prompts.prompts_page, name="settings-prompts"),
    path("settings/prompts/retention/", prompts.save_retention, name="settings-prompts-retention"),
    path("settings/prompts/export/", prompts.export_prompts, name="settings-prompts-export"),
    path("settings/prompts/compare/", calls.compare_page, name="settings-prompts-compare"),
    path("settings/prompts/<int:call_id>/", calls.call_page, name="settings-prompts-call"),
    path("settings/prompts/<int:call_id>/replay/", calls.replay_call, name="settings-prompts-replay"),
    path("model-calls/<int:call_id>/", calls.moved_call_page, name="model-call"),
    path("settings/usage/", usage.usage_page, name="settings-usage"),
    path("settings/usage/budget/", usage.save_budget, name="settings-usage-budget"),
    path("settings/usage/resume/", usage.resume, name="settings-usage-resume"),
    path("settings/usage/usage.csv", usage.usage_csv, name="settings-usage-csv"),
    path("settings/provider/", provider.provider_page, name="settings-provider"),
    path("settings/provider/new/", provider.new_connection_page, name="settings-provider-new"),
    path("settings/provider/add/", provider.add_connection, name="settings-provider-add"),
    path("settings/provider/models/", provider.save_step_models, name="settings-provider-models"),
    path("settings/provider/consent/", provider.change_consent, name="settings-provider-consent"),
    path("settings/provider/<int:connection_id>/", provider.connection_page, name="settings-provider-connection"),
    path("settings/provider/<int:connection_id>/save/", provider.save_connection, name="settings-provider-save"),
    path("settings/provider/<int:connection_id>/check/", provider.check_connection, name="settings-provider-check"),
    path("settings/provider/<int:connection_id>/move/", provider.move_connection, name="settings-provider-move"),
    path("settings/provider/<int:connection_id>/remove/", provider.remove_connection, name="settings-provider-remove"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    # Only these two of django-allauth's pages: accounts are made by the operator.
    path("accounts/login/", allauth.account.views.login, name="account_login"),
    path("accounts/logout/", allauth.account.views.logout, name="account_logout"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("help/settings/", help_pages.settings_help, name="help-settings"),
    path("api/v1/", include("assistant_platform.api.urls")),
    path("orgs/<slug:slug>/", include(pages_of_organization)),
]

handler400 = "assistant_platform.errors.bad_request"
handler404 = "assistant_platform.errors.not_found"
handler500 = "assistant_platform.errors.server_error"
