"""A server of one's own, which speaks as OpenAI does."""

from __future__ import annotations

from typing import ClassVar

from tests.contract.speakers.openai import OpenAISpeaker


class CompatibleSpeaker(OpenAISpeaker):
    """OpenAI's replies, asked by the adapter for servers of one's own."""

    adapter: ClassVar[str] = "compatible"
