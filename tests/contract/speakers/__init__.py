"""What the suite of all adapters (tests/contract/test_adapters.py) needs to know of each vendor."""

from __future__ import annotations

from tests.contract.speakers.azure_openai import AzureOpenAISpeaker
from tests.contract.speakers.base import Speaker
from tests.contract.speakers.bedrock import BedrockSpeaker
from tests.contract.speakers.compatible import CompatibleSpeaker
from tests.contract.speakers.gemini import GeminiSpeaker
from tests.contract.speakers.openai import OpenAISpeaker

SPEAKERS: dict[str, type[Speaker]] = {
    "openai": OpenAISpeaker,
    "gemini": GeminiSpeaker,
    "bedrock": BedrockSpeaker,
    "azure_openai": AzureOpenAISpeaker,
    "compatible": CompatibleSpeaker,
}
