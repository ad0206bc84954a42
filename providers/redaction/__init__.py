"""What never leaves: secrets, and people's addresses and names. Placeholders stand for them; fixes get them back."""

from __future__ import annotations

import re
from collections.abc import Iterable

from providers.redaction.people import spans_of_people
from providers.redaction.secrets import spans_of_secrets
from providers.redaction.spans import Hidden, Kind, without_overlaps

_PLACEHOLDER = re.compile(r"⟦(?P<kind>SECRET|EMAIL|PERSON|TEXT)-\d{1,6}⟧")
# A value this long that was found once is hidden wherever else it stands; shorter ones are words of code too.
SHORTEST_HIDDEN_EVERYWHERE = 6


def placeholders_in(text: str) -> list[tuple[int, int, Kind]]:
    """Return where placeholders stand in a text that was redacted, and for what kind of value each does."""
    return [(*match.span(), Kind(match["kind"])) for match in _PLACEHOLDER.finditer(text)]


class Redactor:
    """Replaces what is found in the texts of one question by placeholders, and puts the values back in the answer.

    `people` are names, e-mail addresses and user names that must not leave wherever they stand; secrets, addresses and
    marked authors are found by their shape.
    """

    def __init__(self, *, people: Iterable[str] = ()) -> None:
        self._people = tuple(people)
        self._placeholder_of: dict[str, str] = {}
        self._value_of: dict[str, str] = {}

    @property
    def count(self) -> int:
        """How many different values were hidden."""
        return len(self._placeholder_of)

    def hide(self, text: str) -> str:
        """Return the text with every secret and every person's address or name replaced."""
        # What looks like a placeholder already is a value like any other, or restoring would turn it into a secret.
        spans = [Hidden(match.start(), match.end(), Kind.TEXT) for match in _PLACEHOLDER.finditer(text)]
        spans += spans_of_secrets(text)
        spans += spans_of_people(text, self._people)
        for span in without_overlaps(spans):
            self._placeholder(text[span.start : span.end], span.kind)
        spans += self._known_values_in(text)
        parts, end = [], 0
        for span in without_overlaps(spans):
            parts += [text[end : span.start], self._placeholder(text[span.start : span.end], span.kind)]
            end = span.end
        return "".join(parts) + text[end:]

    def restore(self, text: str) -> str:
        """Return the text with the placeholders replaced by what they stand for."""
        return _PLACEHOLDER.sub(lambda match: self._value_of.get(match.group(), match.group()), text)

    def _placeholder(self, value: str, kind: Kind) -> str:
        if value not in self._placeholder_of:
            placeholder = f"⟦{kind}-{self.count + 1}⟧"
            self._placeholder_of[value] = placeholder
            self._value_of[placeholder] = value
        return self._placeholder_of[value]

    def _known_values_in(self, text: str) -> list[Hidden]:
        """Find each value again where its surroundings do not give it away."""
        found = []
        for value, placeholder in list(self._placeholder_of.items()):
            if len(value) < SHORTEST_HIDDEN_EVERYWHERE or value not in text:
                continue
            kind = Kind(placeholder[1:].partition("-")[0])
            places = re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", text)
            found += [Hidden(match.start(), match.end(), kind) for match in places]
        return found
