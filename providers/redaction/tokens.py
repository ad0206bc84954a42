"""Formats by which issuers make their keys recognisable: how they begin, and what follows."""

from __future__ import annotations

import re

_WORD = r"[0-9A-Za-z_-]"
_ALNUM = r"[0-9A-Za-z]"
_HEX = r"[0-9a-f]"

# How a key begins -> what follows. Beginnings are looked up as plain text, and what follows has a bounded length, so
# that the time does not depend on what the text looks like.
_FORMATS: dict[str, tuple[str, ...]] = {
    rf"{_ALNUM}{{16}}(?!{_ALNUM})": ("AKIA", "ASIA"),  # AWS
    rf"{_ALNUM}{{30,255}}": ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"),  # GitHub
    rf"{_WORD}{{40,255}}": ("github_pat_",),
    rf"{_WORD}{{20,255}}": (
        *("glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "GR1348941"),  # GitLab
        *("sk-", "sk-proj-", "sk-ant-"),  # OpenAI, Anthropic
        "ya29.",  # Google, OAuth
        "GOCSPX-",
        "hvs.",  # Vault
        "figd_",
        "lin_api_",
        "dckr_pat_",
        "ATATT3",  # Atlassian
    ),
    r"[0-9A-Za-z-]{10,255}": ("xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xapp-"),  # Slack
    r"[0-9A-Za-z/]{20,100}": ("hooks.slack.com/services/", "hooks.slack.com/workflows/"),
    rf"{_ALNUM}{{10,255}}": ("sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"),  # Stripe
    rf"{_WORD}{{35}}(?!{_WORD})": ("AIza",),  # Google
    rf"{_WORD}{{16,80}}\.{_WORD}{{16,80}}": ("SG.",),  # SendGrid
    rf"{_ALNUM}{{36}}": ("npm_",),
    rf"{_WORD}{{50,500}}": ("pypi-",),
    rf"{_ALNUM}{{30,60}}": ("hf_", "ntn_"),  # Hugging Face, Notion
    rf"{_HEX}{{64}}": ("dop_v1_", "doo_v1_", "dor_v1_"),  # DigitalOcean
    rf"{_HEX}{{32}}": (
        "shpat_",
        "shpss_",
        "shpca_",
        "shppa_",
        "dapi",
        "key-",
        "SK",
    ),  # Shopify, Databricks, Mailgun, Twilio
    rf"{_WORD}{{22,60}}": ("sq0csp-", "sq0atp-"),  # Square
    rf"{_WORD}{{32,200}}": ("glsa_", "glc_", "EAAA"),  # Grafana, Square
    rf"{_ALNUM}{{27}}": ("NRAK-",),  # New Relic
    rf"{_HEX}{{24}}-{_HEX}{{34}}": ("PMAK-",),  # Postman
    rf"{_HEX}{{48}}": ("rubygems_",),
    rf"{_ALNUM}{{43}}": ("dp.pt.", "dp.st."),  # Doppler
    r"[0-9A-Z]{58}": ("AGE-SECRET-KEY-1",),
    rf"{_WORD}{{8,4000}}\.{_WORD}{{2,8000}}(?:\.{_WORD}{{0,4000}})?": ("eyJ",),  # JSON Web Token
    r"[0-9A-Za-z+/]{40,100}={0,2}": ("AccountKey=", "SharedAccessKey="),  # Azure
    r"[0-9A-Za-z%]{30,120}": ("&sig=", "?sig="),
    r"[0-9]{17,20}/[0-9A-Za-z_-]{40,100}": ("discord.com/api/webhooks/", "discordapp.com/api/webhooks/"),
    r"[0-9]{8,10}:[0-9A-Za-z_-]{35}": ("api.telegram.org/bot",),
}
# These are no part of the key, so they stay for the reader.
_ONLY_WHAT_FOLLOWS = ("AccountKey=", "SharedAccessKey=", "&sig=", "?sig=", "api.telegram.org/bot")
# Scheme words of an Authorization header, with the credential behind them.
_SCHEMES = ("Bearer ", "Basic ", "bearer ", "basic ")
_CREDENTIAL = re.compile(r"[0-9A-Za-z._~+/=-]{16,4000}")

TOKEN_FORMATS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (beginning, re.compile(rest)) for rest, beginnings in _FORMATS.items() for beginning in beginnings
)


def spans_of_tokens(text: str) -> list[tuple[int, int]]:
    """Return where keys stand that their issuers made recognisable."""
    found = []
    for beginning, rest in TOKEN_FORMATS:
        for start in _places_of(beginning, text):
            if beginning[0].isalnum() and start and (text[start - 1].isalnum() or text[start - 1] == "_"):
                continue
            match = rest.match(text, start + len(beginning))
            if match:
                begin = match.start() if beginning in _ONLY_WHAT_FOLLOWS else start
                found.append((begin, match.end()))
    for scheme in _SCHEMES:
        for start in _places_of(scheme, text):
            match = _CREDENTIAL.match(text, start + len(scheme))
            if match and any(character.isdigit() for character in match.group()):
                found.append(match.span())
    return found


def _places_of(words: str, text: str) -> list[int]:
    places, start = [], text.find(words)
    while start != -1:
        places.append(start)
        start = text.find(words, start + 1)
    return places
