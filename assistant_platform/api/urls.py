"""The addresses of the REST API, below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from assistant_platform.api import (
    code_hosts,
    deployments,
    docs,
    memories,
    metrics,
    policies,
    priorities,
    projects,
    provider,
    scans,
    settings,
    usage,
    webhooks,
)
from assistant_platform.api.findings import deciding, detail, fix_pull_requests, lists, rating
from assistant_platform.api.rules import imports, rules
from assistant_platform.api.schema import SchemaView

DEPLOYMENT = "deployments/<slug:slug>"
FINDING = f"{DEPLOYMENT}/findings/<int:finding_id>"
RULES = f"{DEPLOYMENT}/rules"
PROJECTS = f"{DEPLOYMENT}/projects"
PROVIDER = f"{DEPLOYMENT}/provider"
CODE_HOSTS = f"{DEPLOYMENT}/code-hosts"
CODE_HOST = f"{CODE_HOSTS}/<int:host_id>"
MEMORY = f"{DEPLOYMENT}/memories/<int:memory_id>"
WEBHOOKS = f"{DEPLOYMENT}/webhooks"
WEBHOOK = f"{WEBHOOKS}/<int:webhook_id>"
CONNECTION = f"{PROVIDER}/connections/<int:connection_id>"

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
    path(f"{FINDING}/feedback", deciding.FeedbackView.as_view(), name="api-feedback"),
    path(f"{FINDING}/rating", rating.RatingView.as_view(), name="api-rating"),
    path(f"{FINDING}/activity", detail.ActivityView.as_view(), name="api-activity"),
    path(f"{FINDING}/notes", detail.NotesView.as_view(), name="api-notes"),
    path(f"{FINDING}/patch", detail.PatchView.as_view(), name="api-patch"),
    path(
        f"{FINDING}/fix-pull-request",
        fix_pull_requests.FixPullRequestView.as_view(),
        name="api-fix-pull-request",
    ),
    path(f"{FINDING}/analyze", detail.AnalyzeView.as_view(), name="api-analyze"),
    path(f"{DEPLOYMENT}/triage", deciding.TriageView.as_view(), name="api-triage"),
    path(f"{DEPLOYMENT}/triage/<int:bulk_id>/undo", deciding.BulkTriageUndoView.as_view(), name="api-triage-undo"),
    path(f"{DEPLOYMENT}/settings", settings.OrganizationSettingsView.as_view(), name="api-settings"),
    path(f"{DEPLOYMENT}/priorities", priorities.PrioritiesView.as_view(), name="api-priorities"),
    path(f"{DEPLOYMENT}/usage", usage.UsageView.as_view(), name="api-usage"),
    path(f"{DEPLOYMENT}/metrics", metrics.MetricsView.as_view(), name="api-metrics"),
    path(f"{DEPLOYMENT}/budget", usage.BudgetView.as_view(), name="api-budget"),
    path(PROVIDER, provider.DeploymentProviderView.as_view(), name="api-provider"),
    path(f"{PROVIDER}/connections", provider.ConnectionsView.as_view(), name="api-connections"),
    path(f"{PROVIDER}/order", provider.ConnectionOrderView.as_view(), name="api-connection-order"),
    path(f"{PROVIDER}/step-models", provider.StepModelsView.as_view(), name="api-step-models"),
    path(CONNECTION, provider.ConnectionView.as_view(), name="api-connection"),
    path(f"{CONNECTION}/check", provider.ConnectionCheckView.as_view(), name="api-connection-check"),
    path(CODE_HOSTS, code_hosts.DeploymentCodeHostsView.as_view(), name="api-code-hosts"),
    path(CODE_HOST, code_hosts.OneCodeHostView.as_view(), name="api-code-host"),
    path(f"{CODE_HOST}/check", code_hosts.CodeHostCheckView.as_view(), name="api-code-host-check"),
    path(f"{CODE_HOST}/repositories", code_hosts.CodeHostRepositoriesView.as_view(), name="api-code-host-repositories"),
    path(
        f"{CODE_HOST}/repositories/<int:repository_id>",
        code_hosts.RepositoryView.as_view(),
        name="api-code-host-repository",
    ),
    path(f"{DEPLOYMENT}/memories", memories.MemoriesView.as_view(), name="api-memories"),
    path(MEMORY, memories.MemoryView.as_view(), name="api-memory"),
    path(f"{MEMORY}/approval", memories.MemoryApprovalView.as_view(), name="api-memory-approval"),
    path(f"{MEMORY}/history", memories.MemoryHistoryView.as_view(), name="api-memory-history"),
    path(f"{MEMORY}/dry-run", memories.MemoryDryRunView.as_view(), name="api-memory-dry-run"),
    path(WEBHOOKS, webhooks.WebhooksView.as_view(), name="api-webhooks"),
    path(WEBHOOK, webhooks.OneWebhookView.as_view(), name="api-webhook"),
    path(f"{WEBHOOK}/secret", webhooks.WebhookSecretView.as_view(), name="api-webhook-secret"),
    path(f"{WEBHOOK}/test", webhooks.WebhookTestView.as_view(), name="api-webhook-test"),
    path(f"{WEBHOOK}/messages", webhooks.WebhookMessagesView.as_view(), name="api-webhook-messages"),
    path(f"{WEBHOOK}/send-again", webhooks.WebhookFailedAgainView.as_view(), name="api-webhook-failed-again"),
    path(
        f"{WEBHOOK}/messages/<int:message_id>/send-again",
        webhooks.WebhookMessageAgainView.as_view(),
        name="api-webhook-message-again",
    ),
    path(f"{DEPLOYMENT}/policies", policies.PoliciesView.as_view(), name="api-policies"),
    path(f"{DEPLOYMENT}/policies/<int:policy_id>", policies.PolicyView.as_view(), name="api-policy"),
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
    path(PROJECTS, projects.ProjectsView.as_view(), name="api-projects"),
    path(f"{PROJECTS}/<int:project_id>/settings", settings.ProjectSettingsView.as_view(), name="api-project-settings"),
    # A project's name may hold slashes, so these come last.
    path(f"{PROJECTS}/<path:project_name>/tags", projects.ProjectTagsView.as_view(), name="api-project-tags"),
    path(f"{PROJECTS}/<path:project_name>", projects.ProjectView.as_view(), name="api-project"),
]
