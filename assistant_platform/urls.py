"""Every address."""

from __future__ import annotations

import allauth.account.views as account_views
import allauth.mfa.base.views as second_factor_views
import allauth.mfa.recovery_codes.views as recovery_views
import allauth.mfa.totp.views as totp_views
import allauth.mfa.webauthn.views as key_views
import allauth.usersessions.views as session_views
from django.urls import URLPattern, URLResolver, include, path, re_path

from assistant_platform.web import account, ci, cli_login, finding, findings, health, help_pages, home, preview, projects, scans
from assistant_platform.web.settings import (
    audit,
    calls,
    deployment,
    of_project,
    organization,
    people,
    prompts,
    provider,
    sign_on,
    sign_on_domains,
    teams,
    tokens,
    usage,
)
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
    path("findings/<int:finding_id>/preview/", preview.preview_page, name="finding-preview"),
    path("findings/<int:finding_id>/patch", finding.download_patch, name="finding-patch"),
    path("projects/", projects.projects_page, name="projects"),
    path("projects/<int:project_id>/", projects.project_page, name="project"),
    path("projects/<int:project_id>/settings/", of_project.project_settings_page, name="project-settings"),
    path("projects/<int:project_id>/settings/save/", of_project.save_project_setting, name="project-settings-save"),
    path("scans/", scans.scans_page, name="scans"),
    path("scans/<int:scan_id>/", scans.scan_page, name="scan"),
    path("upload/", scans.upload_page, name="upload"),
    path("ci/", ci.ci_page, name="ci"),
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
    path("settings/organization/", organization.organization_page, name="settings-organization"),
    path("settings/organization/save/", organization.save_organization, name="settings-organization-save"),
    path("settings/people/", people.people_page, name="settings-people"),
    path("settings/people/invite/", people.invite, name="settings-people-invite"),
    path(
        "settings/people/invitations/<int:invitation_id>/send-again/",
        people.send_again,
        name="settings-people-send-again",
    ),
    path("settings/people/invitations/<int:invitation_id>/revoke/", people.revoke, name="settings-people-revoke"),
    path("settings/people/<int:membership_id>/role/", people.change_role, name="settings-people-role"),
    path("settings/people/<int:membership_id>/remove/", people.remove, name="settings-people-remove"),
    path("settings/teams/", teams.teams_page, name="settings-teams"),
    path("settings/teams/create/", teams.create_team, name="settings-teams-create"),
    path("settings/teams/limits/", teams.change_limit, name="settings-teams-limits"),
    path("settings/teams/<int:team_id>/", teams.team_page, name="settings-teams-team"),
    path("settings/teams/<int:team_id>/name/", teams.rename_team, name="settings-teams-name"),
    path("settings/teams/<int:team_id>/people/", teams.change_people, name="settings-teams-people"),
    path("settings/teams/<int:team_id>/projects/", teams.change_projects, name="settings-teams-projects"),
    path("settings/teams/<int:team_id>/delete/", teams.delete_team, name="settings-teams-delete"),
    path("settings/tokens/", tokens.tokens_page, name="settings-tokens"),
    path("settings/tokens/create/", tokens.create_token, name="settings-tokens-create"),
    path("settings/tokens/<int:token_id>/revoke/", tokens.revoke_token, name="settings-tokens-revoke"),
    path("settings/audit-log/", audit.audit_page, name="settings-audit"),
    path("settings/audit-log/export/", audit.export_audit, name="settings-audit-export"),
    path("leave/", account.leave, name="organization-leave"),
    path("settings/sign-on/", sign_on.sign_on_page, name="settings-sign-on"),
    path("settings/sign-on/add/oidc/", sign_on.add_oidc, name="settings-sign-on-add-oidc"),
    path("settings/sign-on/add/saml/", sign_on.add_saml, name="settings-sign-on-add-saml"),
    path("settings/sign-on/<int:sign_on_id>/", sign_on.edit, name="settings-sign-on-edit"),
    path("settings/sign-on/<int:sign_on_id>/require/", sign_on.change_enforcement, name="settings-sign-on-require"),
    path("settings/sign-on/<int:sign_on_id>/remove/", sign_on.remove, name="settings-sign-on-remove"),
    path("settings/sign-on/domains/", sign_on_domains.add_domain, name="settings-sign-on-domains"),
    path("settings/sign-on/domains/<int:domain_id>/", sign_on_domains.lead, name="settings-sign-on-domain"),
    path(
        "settings/sign-on/domains/<int:domain_id>/check/", sign_on_domains.check, name="settings-sign-on-domain-check"
    ),
    path(
        "settings/sign-on/domains/<int:domain_id>/remove/",
        sign_on_domains.remove,
        name="settings-sign-on-domain-remove",
    ),
]

# Of django-allauth's pages those we use, by the names it knows them by.
pages_of_account: list[URLPattern | URLResolver] = [
    path("", account.profile_page, name="account_profile"),
    path("organizations/", account.organizations_page, name="account_organizations"),
    path("login/", account_views.login, name="account_login"),
    path("logout/", account_views.logout, name="account_logout"),
    path("inactive/", account_views.account_inactive, name="account_inactive"),
    path("signup/", account_views.signup, name="account_signup"),
    path("reauthenticate/", account_views.reauthenticate, name="account_reauthenticate"),
    path("email/", account_views.email, name="account_email"),
    path("confirm-email/", account_views.email_verification_sent, name="account_email_verification_sent"),
    path("confirm-email/<str:key>/", account_views.confirm_email, name="account_confirm_email"),
    path("password/change/", account_views.password_change, name="account_change_password"),
    path("password/set/", account_views.password_set, name="account_set_password"),
    path("password/reset/", account_views.password_reset, name="account_reset_password"),
    path("password/reset/done/", account_views.password_reset_done, name="account_reset_password_done"),
    path(
        "password/reset/key/done/",
        account_views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account_views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("sessions/", session_views.list_usersessions, name="usersessions_list"),
    path("second-factor/", second_factor_views.index, name="mfa_index"),
    path("second-factor/authenticate/", second_factor_views.authenticate, name="mfa_authenticate"),
    path("second-factor/reauthenticate/", second_factor_views.reauthenticate, name="mfa_reauthenticate"),
    path("second-factor/app/on/", totp_views.activate_totp, name="mfa_activate_totp"),
    path("second-factor/app/off/", totp_views.deactivate_totp, name="mfa_deactivate_totp"),
    path("second-factor/codes/", recovery_views.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("second-factor/codes/new/", recovery_views.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("second-factor/codes/download/", recovery_views.download_recovery_codes, name="mfa_download_recovery_codes"),
    path("second-factor/keys/", key_views.list_webauthn, name="mfa_list_webauthn"),
    path("second-factor/keys/add/", key_views.add_webauthn, name="mfa_add_webauthn"),
    path("second-factor/keys/login/", key_views.login_webauthn, name="mfa_login_webauthn"),
    path("second-factor/keys/reauthenticate/", key_views.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("second-factor/keys/<int:pk>/edit/", key_views.edit_webauthn, name="mfa_edit_webauthn"),
    path("second-factor/keys/<int:pk>/remove/", key_views.remove_webauthn, name="mfa_remove_webauthn"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.home, name="home"),
    path("login", cli_login.cli_login, name="cli-login"),  # where `semgrep login` sends people
    path("accounts/sign-on/", entrance.find, name="sign-on"),
    path("accounts/sign-on/hint/", entrance.hint, name="sign-on-hint"),
    path("accounts/sign-on/<slug:key>/", entrance.start, name="sign-on-start"),
    path("accounts/sign-on/<slug:key>/callback/", entrance.callback, name="sign-on-callback"),
    path("accounts/sign-on/<slug:key>/acs/", entrance.acs, name="sign-on-acs"),
    path("accounts/sign-on/<slug:key>/acs/finish/", entrance.acs_finish, name="sign-on-acs-finish"),
    path("accounts/sign-on/<slug:key>/metadata/", entrance.metadata, name="sign-on-metadata"),
    path("accounts/", include(pages_of_account)),
    path("organizations/new/", account.new_organization_page, name="organization-new"),
    path("invitations/<str:token>/", account.invitation_page, name="invitation"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("help/settings/", help_pages.settings_help, name="help-settings"),
    path("api/v1/", include("assistant_platform.api.urls")),
    path("", include("assistant_platform.api.semgrep_ci.urls")),
    path("orgs/<slug:slug>/", include(pages_of_organization)),
]

handler400 = "assistant_platform.errors.bad_request"
handler404 = "assistant_platform.errors.not_found"
handler500 = "assistant_platform.errors.server_error"
