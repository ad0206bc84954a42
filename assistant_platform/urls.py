"""Every address."""

from __future__ import annotations

import allauth.account.views
from django.urls import URLPattern, URLResolver, include, path

from assistant_platform.web import ci, cli_login, finding, findings, health, home, model_calls, projects, scans
from assistant_platform.web.rules import imports, policy, rule
from assistant_platform.web.rules import list as rules_list
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
    path("projects/<int:project_id>/ignored-paths/", policy.save_ignored_paths, name="project-ignored-paths"),
    path("rules/", rules_list.rules_page, name="rules"),
    path("rules/modes/", rules_list.preview_modes, name="rules-modes"),
    path("rules/modes/change/", rules_list.change_modes, name="rules-modes-change"),
    path("rules/modes/<int:event_id>/undo/", rules_list.undo_modes, name="rules-modes-undo"),
    path("rules/labels/", rules_list.change_labels, name="rules-labels"),
    path("rules/policy/", policy.save_policy, name="rules-policy"),
    path("rules/import/", imports.import_page, name="rules-import"),
    path("rules/import/starter/", imports.add_starter_rules, name="rules-starter"),
    path("rules/imports/<int:import_id>/", imports.imported_page, name="rules-imported"),
    path("rules/<int:rule_id>/", rule.rule_page, name="rule"),
    path("rules/<int:rule_id>/override/", rule.change_override, name="rule-override"),
    path("rules/<int:rule_id>/remove/", rule.remove_rule, name="rule-remove"),
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
