"""What holds for every page: no error, no foreign host, no accessibility violation in either theme, no sideways scroll.

The first two are held by every window that the tests open (see conftest).
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from playwright.sync_api import ViewportSize, expect

from tests.browser import rows
from tests.browser.conftest import Axe, OpenWindow

PHONE = ViewportSize(width=390, height=844)
DEMO, ACME, EMPTY = (f"/orgs/{slug}" for slug in (rows.DEMO, rows.ACME, rows.EMPTY))


@dataclass(frozen=True)
class Visit:
    """A page in one of its states: who sees it, where (with names of `rows.ids`), and its status."""

    person: str
    address: str
    status: int = 200


VISITS = {
    "sign-in": Visit("", "/accounts/login/"),
    "sign-up-by-invitation": Visit("", "/accounts/signup/"),
    "forgotten-password": Visit("", "/accounts/password/reset/"),
    "mail-sent": Visit("", "/accounts/password/reset/done/"),
    "reset-link-ended": Visit("", "/accounts/password/reset/key/1-a/"),
    "confirmation-link-ended": Visit("", "/accounts/confirm-email/a/"),
    "invitation-ended": Visit("", "/invitations/a/", status=404),
    "account": Visit(rows.ALICE, "/accounts/"),
    "account-email": Visit(rows.ALICE, "/accounts/email/"),
    "account-password": Visit(rows.ALICE, "/accounts/password/change/"),
    "account-second-factor": Visit(rows.ALICE, "/accounts/second-factor/"),
    "account-keys": Visit(rows.ALICE, "/accounts/second-factor/keys/"),
    "account-sessions": Visit(rows.ALICE, "/accounts/sessions/"),
    "account-organizations": Visit(rows.ALICE, "/accounts/organizations/"),
    "account-proof": Visit(rows.ALICE, "/accounts/reauthenticate/"),
    "organization-not-made-here": Visit(rows.ALICE, "/organizations/new/", status=403),
    "people": Visit(rows.ALICE, f"{ACME}/settings/people/"),
    "people-of-a-manager": Visit(rows.KIM, f"{ACME}/settings/people/"),
    "people-of-a-member": Visit(rows.TOM, f"{ACME}/settings/people/", status=403),
    "organization-settings": Visit(rows.ALICE, f"{ACME}/settings/organization/"),
    "api-documentation": Visit("", "/api/v1/docs"),
    "sign-out": Visit(rows.ADMIN, "/accounts/logout/"),
    "choice-of-organization": Visit(rows.ALICE, "/"),
    "no-organization": Visit(rows.NEWCOMER, "/"),
    "findings": Visit(rows.ADMIN, f"{DEMO}/findings/"),
    "findings-filtered": Visit(rows.ADMIN, f"{DEMO}/findings/?recommendation=ignore&severity=high&severity=medium"),
    "findings-in-production": Visit(rows.ADMIN, f"{DEMO}/findings/?backlog=production"),
    "findings-without-a-match": Visit(rows.ADMIN, f"{DEMO}/findings/?backlog=pre_production"),
    "findings-held-back": Visit(rows.ALICE, f"{ACME}/findings/?backlog=pre_production"),
    "finding-held-back": Visit(rows.ALICE, f"{ACME}/findings/{{held_back}}/"),
    "findings-of-a-reader": Visit(rows.READER, f"{DEMO}/findings/?recommendation=ignore"),
    "findings-with-long-names": Visit(rows.ALICE, f"{ACME}/findings/"),
    "findings-before-the-first": Visit(rows.ALICE, f"{EMPTY}/findings/"),
    "findings-to-change": Visit(rows.ADMIN, f"{DEMO}/findings/bulk/?meant=all&severity=high"),
    "finding-with-a-verified-fix": Visit(rows.ADMIN, f"{DEMO}/findings/{{verified}}/"),
    "finding-likely-false": Visit(rows.ADMIN, f"{DEMO}/findings/{{likely_false}}/"),
    "finding-unsure": Visit(rows.READER, f"{DEMO}/findings/{{unsure}}/"),
    "finding-left-out": Visit(rows.ADMIN, f"{DEMO}/findings/{{skipped}}/"),
    "finding-judged-by-a-model": Visit(rows.ALICE, f"{ACME}/findings/{{by_model}}/"),
    "finding-waiting-without-code": Visit(rows.ALICE, f"{ACME}/findings/{{waiting}}/"),
    "finding-unavailable": Visit(rows.ALICE, f"{ACME}/findings/{{unavailable}}/"),
    "finding-with-a-fix-pull-request": Visit(rows.ALICE, f"{ACME}/findings/{{fix_opened}}/"),
    "finding-whose-fix-pull-request-was-refused": Visit(rows.ALICE, f"{ACME}/findings/{{fix_refused}}/"),
    "finding-ignored": Visit(rows.ALICE, f"{ACME}/findings/{{ignored}}/"),
    "finding-fixed": Visit(rows.ALICE, f"{ACME}/findings/{{fixed}}/"),
    "projects": Visit(rows.ADMIN, f"{DEMO}/projects/"),
    "projects-before-the-first": Visit(rows.ALICE, f"{EMPTY}/projects/"),
    "project": Visit(rows.ADMIN, f"{DEMO}/projects/{{copperleaf_project}}/"),
    "project-settings": Visit(rows.ADMIN, f"{DEMO}/projects/{{copperleaf_project}}/settings/"),
    "project-settings-own": Visit(rows.ALICE, f"{ACME}/projects/{{acme_project}}/settings/"),
    "scans": Visit(rows.ALICE, f"{ACME}/scans/"),
    "scans-before-the-first": Visit(rows.ALICE, f"{EMPTY}/scans/"),
    "scan": Visit(rows.ADMIN, f"{DEMO}/scans/{{copperleaf_scan}}/"),
    "scan-received": Visit(rows.ALICE, f"{ACME}/scans/{{scan_received}}/"),
    "scan-with-problems": Visit(rows.ALICE, f"{ACME}/scans/{{scan_ingested}}/"),
    "scan-failed": Visit(rows.ALICE, f"{ACME}/scans/{{scan_failed}}/"),
    "rules": Visit(rows.ALICE, f"{ACME}/rules/"),
    "rules-many": Visit(rows.ADMIN, f"{DEMO}/rules/?source=imported&min_open=1"),
    "rules-without-a-match": Visit(rows.ADMIN, f"{DEMO}/rules/?q=nothing"),
    "rules-before-the-first": Visit(rows.ALICE, f"{EMPTY}/rules/"),
    "rules-of-a-reader": Visit(rows.READER, f"{DEMO}/rules/"),
    "rule": Visit(rows.ALICE, f"{ACME}/rules/{{rule_shell}}/"),
    "rule-refused": Visit(rows.ALICE, f"{ACME}/rules/{{rule_refused}}/"),
    "rules-import": Visit(rows.ALICE, f"{ACME}/rules/import/"),
    "rules-imported": Visit(rows.ALICE, f"{ACME}/rules/imports/{{import_of_our}}/"),
    "upload": Visit(rows.ADMIN, f"{DEMO}/upload/"),
    "import-decisions": Visit(rows.ALICE, f"{ACME}/triage-imports/"),
    "import-decisions-before-the-first": Visit(rows.ADMIN, f"{DEMO}/triage-imports/"),
    "import-previewed": Visit(rows.ALICE, f"{ACME}/triage-imports/{{import_previewed}}/"),
    "import-applied": Visit(rows.ALICE, f"{ACME}/triage-imports/{{import_applied}}/"),
    "upload-refused": Visit(rows.READER, f"{DEMO}/upload/", status=403),
    "settings": Visit(rows.ADMIN, f"{DEMO}/settings/deployment/"),
    "settings-with-projects-that-differ": Visit(rows.ALICE, f"{ACME}/settings/deployment/"),
    "comments-on-github": Visit(rows.ALICE, f"{ACME}/settings/comment-preview/"),
    "comments-on-gitlab": Visit(rows.ADMIN, f"{DEMO}/settings/comment-preview/?host=gitlab"),
    "settings-explained": Visit("", "/help/settings/"),
    "sign-on": Visit("", "/accounts/sign-on/"),
    "settings-sign-on": Visit(rows.ALICE, f"{ACME}/settings/sign-on/"),
    "settings-sign-on-before-the-first": Visit(rows.ALICE, f"{EMPTY}/settings/sign-on/"),
    "settings-sign-on-add-oidc": Visit(rows.ALICE, f"{EMPTY}/settings/sign-on/add/oidc/"),
    "settings-sign-on-add-saml": Visit(rows.ALICE, f"{EMPTY}/settings/sign-on/add/saml/"),
    "settings-sign-on-oidc": Visit(rows.ALICE, f"{ACME}/settings/sign-on/{{sign_on_oidc}}/"),
    "settings-sign-on-saml": Visit(rows.ALICE, f"{ACME}/settings/sign-on/{{sign_on_saml}}/"),
    "settings-of-a-member": Visit(rows.MEMBER, f"{DEMO}/settings/deployment/", status=403),
    "provider": Visit(rows.ALICE, f"{ACME}/settings/provider/"),
    "provider-before-the-first": Visit(rows.ALICE, f"{EMPTY}/settings/provider/"),
    "provider-choice": Visit(rows.ALICE, f"{ACME}/settings/provider/new/"),
    "provider-change": Visit(rows.ALICE, f"{ACME}/settings/provider/{{connection_bedrock}}/"),
    "webhooks": Visit(rows.ALICE, f"{ACME}/settings/webhooks/"),
    "webhooks-before-the-first": Visit(rows.ALICE, f"{EMPTY}/settings/webhooks/"),
    "webhooks-of-a-member": Visit(rows.MEMBER, f"{DEMO}/settings/webhooks/", status=403),
    "webhook-new": Visit(rows.ALICE, f"{ACME}/settings/webhooks/new/"),
    "webhook": Visit(rows.ALICE, f"{ACME}/settings/webhooks/{{hook_on}}/"),
    "webhook-switched-off": Visit(rows.ALICE, f"{ACME}/settings/webhooks/{{hook_off}}/"),
    "webhook-to-change": Visit(rows.ALICE, f"{ACME}/settings/webhooks/{{hook_on}}/change/"),
    "webhook-to-remove": Visit(rows.ALICE, f"{ACME}/settings/webhooks/{{hook_on}}/remove/"),
    "webhook-message": Visit(rows.ALICE, f"{ACME}/settings/webhooks/{{hook_on}}/messages/{{message_claimed}}/"),
    "code-hosts": Visit(rows.ALICE, f"{ACME}/settings/code-hosts/"),
    "code-hosts-before-the-first": Visit(rows.ALICE, f"{EMPTY}/settings/code-hosts/"),
    "code-hosts-of-a-member": Visit(rows.MEMBER, f"{DEMO}/settings/code-hosts/", status=403),
    "code-host-choices": Visit(rows.ALICE, f"{ACME}/settings/code-hosts/new/"),
    "code-host-by-app": Visit(rows.ALICE, f"{ACME}/settings/code-hosts/new/?choice=github-app"),
    "code-host-by-token": Visit(rows.ALICE, f"{ACME}/settings/code-hosts/new/?choice=gitlab-server"),
    "code-host-app": Visit(rows.ALICE, f"{ACME}/settings/code-hosts/{{host_github}}/"),
    "code-host-with-a-problem": Visit(rows.ALICE, f"{ACME}/settings/code-hosts/{{host_gitlab}}/"),
    "code-host-to-change": Visit(rows.ALICE, f"{ACME}/settings/code-hosts/{{host_gitlab}}/change/"),
    "code-host-to-remove": Visit(rows.ALICE, f"{ACME}/settings/code-hosts/{{host_github}}/remove/"),
    "repositories": Visit(rows.ALICE, f"{ACME}/settings/code-hosts/{{host_github}}/repositories/?show=chosen"),
    "repositories-of-a-host-with-a-problem": Visit(
        rows.ALICE, f"{ACME}/settings/code-hosts/{{host_gitlab}}/repositories/"
    ),
    "repository-of-a-project": Visit(rows.ALICE, f"{ACME}/settings/code-hosts/projects/{{acme_project}}/"),
    "slack": Visit(rows.ALICE, f"{ACME}/settings/slack/"),
    "slack-before-the-first": Visit(rows.ALICE, f"{EMPTY}/settings/slack/"),
    "slack-of-a-member": Visit(rows.MEMBER, f"{DEMO}/settings/slack/", status=403),
    "slack-channels-that-are-not-listed": Visit(rows.ALICE, f"{ACME}/settings/slack/channels/"),
    "slack-to-disconnect": Visit(rows.ALICE, f"{ACME}/settings/slack/disconnect/"),
    "prompts": Visit(rows.ALICE, f"{ACME}/settings/prompts/"),
    "prompts-filtered": Visit(rows.ALICE, f"{ACME}/settings/prompts/?hidden=yes&step=triage/verdict"),
    "prompts-before-the-first": Visit(rows.ALICE, f"{EMPTY}/settings/prompts/"),
    "request": Visit(rows.ALICE, f"{ACME}/settings/prompts/{{call_answered}}/"),
    "request-without-texts": Visit(rows.ALICE, f"{ACME}/settings/prompts/{{call_failed}}/"),
    "requests-compared": Visit(
        rows.ALICE, f"{ACME}/settings/prompts/compare/?left={{call_answered}}&right={{call_reused}}"
    ),
    "requests-compared-while-waiting": Visit(
        rows.ALICE, f"{ACME}/settings/prompts/compare/?left={{call_answered}}&right={{call_asking}}"
    ),
    "dashboard": Visit(rows.ALICE, f"{ACME}/dashboard/"),
    "dashboard-of-a-year": Visit(rows.ADMIN, f"{DEMO}/dashboard/?days=365"),
    "dashboard-of-somebody-limited": Visit(rows.LIMITED, f"{ACME}/dashboard/"),
    "dashboard-before-the-first": Visit(rows.ALICE, f"{EMPTY}/dashboard/"),
    "preview": Visit(rows.ALICE, f"{ACME}/findings/{{by_model}}/preview/"),
    "usage": Visit(rows.ADMIN, f"{DEMO}/settings/usage/?period=30-days"),
    "usage-used-up": Visit(rows.ALICE, f"{ACME}/settings/usage/"),
    "usage-before-the-first": Visit(rows.ALICE, f"{EMPTY}/settings/usage/"),
    "usage-of-a-member": Visit(rows.MEMBER, f"{DEMO}/settings/usage/", status=403),
    "finding-stopped-by-budget": Visit(rows.ALICE, f"{ACME}/findings/{{stopped}}/"),
    "tokens": Visit(rows.ALICE, f"{ACME}/settings/tokens/"),
    "tokens-before-the-first": Visit(rows.ALICE, f"{EMPTY}/settings/tokens/"),
    "token-to-revoke": Visit(rows.ALICE, f"{ACME}/settings/tokens/{{token_aap_nightl}}/revoke/"),
    "teams": Visit(rows.ALICE, f"{ACME}/settings/teams/"),
    "teams-before-the-first": Visit(rows.ALICE, f"{EMPTY}/settings/teams/"),
    "team": Visit(rows.ALICE, f"{ACME}/settings/teams/{{team_shopkeepers}}/"),
    "findings-of-somebody-limited": Visit(rows.LIMITED, f"{ACME}/findings/"),
    "audit-log": Visit(rows.ALICE, f"{ACME}/settings/audit-log/"),
    "audit-log-filtered": Visit(rows.ALICE, f"{ACME}/settings/audit-log/?what=people&text=liam"),
    "audit-log-without-a-match": Visit(rows.ALICE, f"{ACME}/settings/audit-log/?text=nobody"),
    "memories": Visit(rows.ALICE, f"{ACME}/memories/"),
    "memories-suggested": Visit(rows.ALICE, f"{ACME}/memories/?tab=suggested"),
    "memories-of-a-member": Visit(rows.TOM, f"{ACME}/memories/?tab=ended"),
    "memories-before-the-first": Visit(rows.ALICE, f"{EMPTY}/memories/"),
    "memory": Visit(rows.ALICE, f"{ACME}/memories/{{memory_live}}/"),
    "memory-that-contradicts": Visit(rows.ALICE, f"{ACME}/memories/{{memory_suggested}}/"),
    "memory-of-a-member": Visit(rows.TOM, f"{ACME}/memories/{{memory_suggested}}/"),
    "memory-disabled": Visit(rows.ALICE, f"{ACME}/memories/{{memory_disabled}}/"),
    "memory-new": Visit(rows.ALICE, f"{ACME}/memories/new/?template=not_production"),
    "memory-edit": Visit(rows.ALICE, f"{ACME}/memories/{{memory_live}}/edit/"),
    "memory-to-remove": Visit(rows.ALICE, f"{ACME}/memories/{{memory_live}}/remove/"),
    "memories-import": Visit(rows.ALICE, f"{ACME}/memories/import/"),
    "not-found": Visit(rows.ADMIN, f"{ACME}/findings/", status=404),
}
each_page = pytest.mark.parametrize("visit", VISITS.values(), ids=VISITS.keys())


@each_page
def test_a_page_passes_axe_and_fits_in_both_themes_and_widths(
    window: OpenWindow, axe: Axe, ids: dict[str, int], visit: Visit
) -> None:
    page = window(visit.person, expects=(visit.status,))
    page.goto(visit.address.format(**ids))
    expect(page.locator("[hx-trigger=load]")).to_have_count(0)

    light = axe(page)
    page.emulate_media(color_scheme="dark")
    dark = axe(page, "color-contrast")
    page.set_viewport_size(PHONE)
    dark_phone = axe(page, "color-contrast")
    page.emulate_media(color_scheme="light")
    light_phone = axe(page)
    too_wide = page.evaluate("document.scrollingElement.scrollWidth - window.innerWidth")

    found = {"light": light, "dark": dark, "dark phone": dark_phone, "light phone": light_phone, "too wide": too_wide}
    assert found == {"light": [], "dark": [], "dark phone": [], "light phone": [], "too wide": 0}
