"""The addresses of the REST API, below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from assistant_platform.api import findings, provider, scans, settings, usage
from assistant_platform.api.rules import imports, rules

RULES = "deployments/<slug:slug>/rules"
PROVIDER = "deployments/<slug:slug>/provider"

urlpatterns = [
    path("deployments/<slug:slug>/scans", scans.ScansView.as_view(), name="api-scans"),
    path("deployments/<slug:slug>/scans/<int:scan_id>", scans.ScanView.as_view(), name="api-scan"),
    path("deployments/<slug:slug>/findings/<int:finding_id>", findings.FindingView.as_view(), name="api-finding"),
    path("deployments/<slug:slug>/settings", settings.OrganizationSettingsView.as_view(), name="api-settings"),
    path(
        "deployments/<slug:slug>/projects/<int:project_id>/settings",
        settings.ProjectSettingsView.as_view(),
        name="api-project-settings",
    ),
    path("deployments/<slug:slug>/usage", usage.UsageView.as_view(), name="api-usage"),
    path("deployments/<slug:slug>/budget", usage.BudgetView.as_view(), name="api-budget"),
    path(PROVIDER, provider.DeploymentProviderView.as_view(), name="api-provider"),
    path(f"{PROVIDER}/connections", provider.ConnectionsView.as_view(), name="api-connections"),
    path(f"{PROVIDER}/order", provider.ConnectionOrderView.as_view(), name="api-connection-order"),
    path(f"{PROVIDER}/step-models", provider.StepModelsView.as_view(), name="api-step-models"),
    path(f"{PROVIDER}/connections/<int:connection_id>", provider.ConnectionView.as_view(), name="api-connection"),
    path(
        f"{PROVIDER}/connections/<int:connection_id>/check",
        provider.ConnectionCheckView.as_view(),
        name="api-connection-check",
    ),
    path(RULES, rules.RulesView.as_view(), name="api-rules"),
    path(f"{RULES}/modes", rules.RuleModesView.as_view(), name="api-rule-modes"),
    path(f"{RULES}/modes/<int:event_id>/undo", rules.UndoRuleModesView.as_view(), name="api-rule-modes-undo"),
    path(f"{RULES}/imports", imports.RuleImportsView.as_view(), name="api-rule-imports"),
    path(f"{RULES}/imports/<int:import_id>", imports.RuleImportView.as_view(), name="api-rule-import"),
    path(f"{RULES}/<int:rule_id>", rules.RuleView.as_view(), name="api-rule"),
    path(
        f"{RULES}/<int:rule_id>/overrides/<int:project_id>",
        rules.RuleOverrideView.as_view(),
        name="api-rule-override",
    ),
]
