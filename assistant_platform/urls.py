"""Every address."""

from __future__ import annotations

import allauth.account.views
from django.urls import URLPattern, URLResolver, include, path

from assistant_platform.web import finding, findings, health, home, model_calls, projects, scans
from assistant_platform.web.settings import deployment, sign_on, sign_on_domains
from assistant_platform.web.sign_on import entrance

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
    path("settings/deployment/", deployment.deployment_page, name="settings-deployment"),
    path("settings/deployment/save/", deployment.save_deployment, name="settings-deployment-save"),
    path("settings/deployment/consent/", deployment.change_consent, name="settings-deployment-consent"),
    path("settings/sign-on/", sign_on.sign_on_page, name="settings-sign-on"),
    path("settings/sign-on/add/oidc/", sign_on.add_oidc, name="settings-sign-on-add-oidc"),
    path("settings/sign-on/add/saml/", sign_on.add_saml, name="settings-sign-on-add-saml"),
    path("settings/sign-on/<int:sign_on_id>/", sign_on.edit, name="settings-sign-on-edit"),
    path("settings/sign-on/<int:sign_on_id>/require/", sign_on.change_enforcement, name="settings-sign-on-require"),
    path("settings/sign-on/<int:sign_on_id>/remove/", sign_on.remove, name="settings-sign-on-remove"),
    path("settings/sign-on/domains/", sign_on_domains.add_domain, name="settings-sign-on-domains"),
    path("settings/sign-on/domains/<int:domain_id>/", sign_on_domains.lead, name="settings-sign-on-domain"),
    path("settings/sign-on/domains/<int:domain_id>/check/", sign_on_domains.check, name="settings-sign-on-domain-check"),
    path(
        "settings/sign-on/domains/<int:domain_id>/remove/", sign_on_domains.remove, name="settings-sign-on-domain-remove"
    ),
    path("model-calls/<int:call_id>/", model_calls.model_call_page, name="model-call"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    # Only these two of django-allauth's pages: accounts are made by the operator.
    path("accounts/login/", allauth.account.views.login, name="account_login"),
    path("accounts/logout/", allauth.account.views.logout, name="account_logout"),
    path("accounts/sign-on/", entrance.find, name="sign-on"),
    path("accounts/sign-on/hint/", entrance.hint, name="sign-on-hint"),
    path("accounts/sign-on/<slug:key>/", entrance.start, name="sign-on-start"),
    path("accounts/sign-on/<slug:key>/callback/", entrance.callback, name="sign-on-callback"),
    path("accounts/sign-on/<slug:key>/acs/", entrance.acs, name="sign-on-acs"),
    path("accounts/sign-on/<slug:key>/acs/finish/", entrance.acs_finish, name="sign-on-acs-finish"),
    path("accounts/sign-on/<slug:key>/metadata/", entrance.metadata, name="sign-on-metadata"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("api/v1/", include("assistant_platform.api.urls")),
    path("orgs/<slug:slug>/", include(pages_of_organization)),
]

handler400 = "assistant_platform.errors.bad_request"
handler404 = "assistant_platform.errors.not_found"
handler500 = "assistant_platform.errors.server_error"
