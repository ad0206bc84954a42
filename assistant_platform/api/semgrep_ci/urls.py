"""The addresses that the client knows, from the root of the server."""

from __future__ import annotations

from django.urls import path

from assistant_platform.api.semgrep_ci import client, scans

urlpatterns = [
    path("api/cli/v2/scans", scans.CreateScan.as_view(), name="ci-scans"),
    path("api/cli/v2/scans/<uuid:client_id>/config", scans.Configuration.as_view(), name="ci-config"),
    path("api/cli/scans", scans.CreateScanWithConfiguration.as_view(), name="ci-scans-1"),
    path("api/agent/scans/<int:scan_id>/results", scans.Results.as_view(), name="ci-results"),
    path("api/agent/scans/<int:scan_id>/complete", scans.Complete.as_view(), name="ci-complete"),
    path("api/agent/scans/<int:scan_id>/error", scans.Failed.as_view(), name="ci-error"),
    path("api/agent/deployments/current", client.CurrentDeployment.as_view(), name="ci-deployment"),
    path("api/agent/deployments/deepbinary/<str:platform>", client.ProEngine.as_view(), name="ci-pro-engine"),
    path("api/agent/identity", client.Identity.as_view(), name="ci-identity"),
    path("api/agent/tokens/requests", client.token_request, name="ci-token-request"),
    path("api/check-version", client.check_version, name="ci-check-version"),
    path("c/p/semgrep-rule-lints", client.rule_lints, name="ci-rule-lints"),
    path("fail-open/failure", client.fail_open, name="ci-fail-open"),
]
