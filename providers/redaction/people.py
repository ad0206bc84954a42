"""People in code and remarks: their addresses, the names that comments and metadata give, and those known by name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from providers.redaction.spans import Hidden, Kind

_BEFORE_AT = re.compile(r"[A-Za-z0-9._%+-]{1,64}$")
_AFTER_AT = re.compile(r"[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,24}(?![A-Za-z0-9_-])")
_LONGEST_BEFORE_AT = 64
# Not a person: the user of every repository's address.
_NO_PERSON = {"git"}

_ONE = r"[^\W\d_a-z][\w.'’-]{0,40}"  # begins with a capital, of any alphabet
_NAME = rf"{_ONE}(?: +(?:[a-z]{{2,3}} +)?{_ONE}){{0,4}}"
_TWO_NAMES = rf"{_ONE}(?: +(?:[a-z]{{2,3}} +)?{_ONE}){{1,4}}"
_HANDLE = r"\w[\w.-]{1,40}"

_PATTERNS = (
    # The tag of a documentation comment: the rest of the line names people.
    re.compile(r"(?i:[@\\](?:author|maintainer|reviewer)s?)[ \t:]{1,4}(?P<names>[^\r\n<(\[*,;]{2,80})"),
    # A commit's trailer.
    re.compile(
        r"(?i:\b(?:signed-off|co-authored|reviewed|acked|tested|reported|suggested|authored|committed)-by[ \t]{0,2}:)"
        r"[ \t]{0,4}(?P<names>[^\r\n<(\[]{2,80})"
    ),
    # A field of a file's head, in a comment.
    re.compile(
        r"(?:#|//|\*|--|;|<!--|\"\"\")[ \t]{0,8}"
        r"(?i:(?:author|maintainer|owner|contact|committer|reviewer)s?)[ \t]{0,4}:[ \t]{0,4}"
        r"(?P<names>[^\r\n<(\[\"'{:=,;]{2,80})(?:<[^\r\n>]{0,80}>)?$",
        re.MULTILINE,
    ),
    # The same without a comment sign: a log, a documentation string. One word could be a type.
    re.compile(
        r"^[ \t>|\d:]{0,20}(?i:(?:author|maintainer|owner|committer|commit|reviewer)s?)[ \t]{0,4}:[ \t]{0,4}"
        rf"(?P<names>{_TWO_NAMES}|[^\r\n<(\[\"'{{:=,;]{{2,80}}(?=<[^\r\n>]{{0,80}}>))",
        re.MULTILINE,
    ),
    # A package's metadata.
    re.compile(
        r"(?i:(?:author|maintainer|owner|committer|contributor)s?(?:_?name)?(?:__)?)[\"'\]]{0,2}[ \t]{0,4}(?:=>|[:=])"
        r"[ \t\r\n]{0,8}\[?[ \t\r\n]{0,8}(?:\{[ \t]{0,4}[\"']?name[\"']?[ \t]{0,4}[:=][ \t]{0,4})?[\"']"
        rf"(?P<names>{_NAME})(?=[\"'<, ])"
    ),
    re.compile(
        r"(?i:\b(?:written|created|authored|maintained|reviewed|approved|confirmed|checked|discussed|agreed"
        r"|signed off))"
        rf" (?:by|with)[ :]{{1,3}}(?P<names>{_NAME})"
    ),
    re.compile(
        r"(?i:\b(?:ask|asked|per|cc|thanks|thanks to|tell|told|see|from|according to|talked to|spoke to|spoke with))"
        rf"[ :]{{1,3}}(?P<names>{_TWO_NAMES})"
    ),
    re.compile(
        rf"\b(?P<names>{_TWO_NAMES}) (?:said|says|confirmed|approved|agreed|wrote|reviewed|checked|thinks|told|asked)\b"
    ),
    re.compile(
        r"(?i:copyright|\(c\)|©)[ \t]{0,4}(?i:\(c\)|©)?[ \t]{0,4}(?:\d{4}[ \t,–-]{0,4}){0,6}(?:by )?"
        rf"(?P<names>{_NAME})"
    ),
    re.compile(rf"\b(?:TODO|FIXME|XXX|HACK|NOTE)\((?P<names>{_HANDLE})\)"),
    # A line of `git blame`.
    re.compile(r"^\^?[0-9a-f]{7,40} [^\r\n(]{0,100}\((?P<names>[^\r\n()]{2,60}?) +\d{4}-\d\d-\d\d ", re.MULTILINE),
)
_MENTION = re.compile(rf"(?<![\w.@/])@(?P<names>{_HANDLE})(?=[ ,;:!?)]|\.?$)", re.MULTILINE)
_HOME = re.compile(
    r"(?:(?<![\w.])/home/|(?<![\w.])/Users/|[A-Za-z]:(?:\\\\?|/)Users(?:\\\\?|/))"
    r"(?P<names>\w[\w. @-]{0,40}?)(?=[/\\\"'`:;,)]|\s|$)"
)
_NOBODYS_HOME = {
    *("runner", "ubuntu", "root", "user", "users", "username", "app", "node", "vsts", "ec2-user", "public", "default"),
    *("shared", "jenkins", "circleci", "gitlab-runner", "vscode", "codespace", "www", "www-data", "admin", "me", "you"),
}
_COMMENT_SIGN = re.compile(r"#|//|\*|--|<!--")
_WORD_BEFORE = re.compile(r"[a-z.!?] ?[,(]?$")

SHORTEST_NAME = 3
SHORTEST_NAME_IN_ANY_CASE = 5


def spans_of_people(text: str, people: Sequence[str]) -> list[Hidden]:
    """Return where people's addresses and names stand in a text."""
    found = [*_addresses(text), *_known(text, people)]
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span("names")
            names = text[start:end].rstrip(" \t.*-/")
            found.append(Hidden(start, start + len(names), Kind.PERSON))
    mentions = [match for match in _MENTION.finditer(text) if _is_in_remark(text, match.start())]
    homes = [match for match in _HOME.finditer(text) if match["names"].lower() not in _NOBODYS_HOME]
    return [*found, *(Hidden(*match.span("names"), Kind.PERSON) for match in (*mentions, *homes))]


def _addresses(text: str) -> list[Hidden]:
    found = []
    at = text.find("@")
    while at != -1:
        before = _BEFORE_AT.search(text[max(0, at - _LONGEST_BEFORE_AT) : at])
        after = _AFTER_AT.match(text, at + 1)
        if before and after and before.group() not in _NO_PERSON:
            found.append(Hidden(at - len(before.group()), after.end(), Kind.EMAIL))
        at = text.find("@", at + 1)
    return found


def _known(text: str, people: Sequence[str]) -> list[Hidden]:
    """Find the people who are known by name: short names as they are written, longer ones in any case."""
    found = []
    lower = text.lower()
    for name in people:
        any_case = len(name) >= SHORTEST_NAME_IN_ANY_CASE
        if len(name) < SHORTEST_NAME or (name.lower() not in lower if any_case else name not in text):
            continue
        kind = Kind.EMAIL if "@" in name else Kind.PERSON
        pattern = re.compile(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", re.IGNORECASE if any_case else 0)
        found += [Hidden(match.start(), match.end(), kind) for match in pattern.finditer(text)]
    return found


def _is_in_remark(text: str, position: int) -> bool:
    """Tell a mention of a person from a decorator of code or a tag of a comment: words stand before it on its line."""
    line_start = text.rfind("\n", max(0, position - 300), position) + 1
    before = text[max(line_start, position - 300) : position].strip(" \t>|0123456789")
    return _WORD_BEFORE.search(before) is not None and (
        _COMMENT_SIGN.search(before) is not None or before.count(" ") > 0
    )
