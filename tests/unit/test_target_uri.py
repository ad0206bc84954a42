"""What Azure shows as Target URI is read; everything else is refused with words that say what to paste."""

from __future__ import annotations

import pytest

from providers.adapters.target_uri import EXAMPLE, TargetUri, TargetUriRefused, parse_target_uri

CHAT = "/openai/deployments/mymodel/chat/completions"
VERSION = "?api-version=2023-05-06-preview"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"https://acme.openai.azure.com{CHAT}{VERSION}",
            TargetUri("https://acme.openai.azure.com", "mymodel", "2023-05-06-preview"),
        ),
        (
            f"  https://acme.openai.azure.com{CHAT}?api-version=2024-10-21\n",
            TargetUri("https://acme.openai.azure.com", "mymodel", "2024-10-21"),
        ),
        (
            f"https://acme.openai.azure.com:443{CHAT}{VERSION}&x=1",
            TargetUri("https://acme.openai.azure.com:443", "mymodel", "2023-05-06-preview"),
        ),
        (
            f"https://Acme-2.cognitiveservices.azure.com{CHAT}{VERSION}",
            TargetUri("https://acme-2.cognitiveservices.azure.com", "mymodel", "2023-05-06-preview"),
        ),
        (
            f"https://acme.services.ai.azure.com{CHAT}{VERSION}",
            TargetUri("https://acme.services.ai.azure.com", "mymodel", "2023-05-06-preview"),
        ),
        (
            f"https://acme.openai.azure.us{CHAT}{VERSION}",
            TargetUri("https://acme.openai.azure.us", "mymodel", "2023-05-06-preview"),
        ),
        (
            f"https://acme.openai.azure.cn{CHAT}{VERSION}",
            TargetUri("https://acme.openai.azure.cn", "mymodel", "2023-05-06-preview"),
        ),
        (
            "https://acme.openai.azure.com/openai/v1/",
            TargetUri("https://acme.openai.azure.com/openai/v1", "", ""),
        ),
        (
            "https://acme.openai.azure.com/openai/v1/chat/completions?api-version=preview",
            TargetUri("https://acme.openai.azure.com/openai/v1", "", ""),
        ),
    ],
)
def test_a_target_uri_is_read(text: str, expected: TargetUri) -> None:
    assert parse_target_uri(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Copy the Target URI"),
        ("acme", "begin with https://"),
        ("https://", "begin with https://"),
        ("https://[acme", "no web address"),
        (f"https://acme.openai.azure.com:port{CHAT}{VERSION}", "no web address"),
        (f"http://acme.openai.azure.com{CHAT}{VERSION}", "never sent in the open"),
        ("https://acme.openai.azure.com", "resource alone"),
        ("https://acme.openai.azure.com/", "resource alone"),
        (f"https://acme.openai.azure.com{CHAT}", "api-version"),
        (f"https://acme.openai.azure.com{CHAT}?api-version=", "api-version"),
        (f"https://acme.openai.azure.com{CHAT}?api-version=latest", "it is a date"),
        ("https://acme.openai.azure.com/openai/responses?api-version=2025-04-01-preview", "Responses API"),
        ("https://acme.openai.azure.com/openai/v1/responses", "Responses API"),
        ("https://acme.openai.azure.com/openai/deployments/mymodel", "/chat/completions is missing"),
        (f"https://acme.openai.azure.com/openai/deployments/m/embeddings{VERSION}", "is for embeddings"),
        (f"https://acme.openai.azure.com/models/chat/completions{VERSION}", "after the host"),
        ("https://acme.services.ai.azure.com/api/projects/one", "after the host"),
        (f"https://acme.openai.azure.com/openai/deployments/my model/chat/completions{VERSION}", "a space"),
        (f"https://acme.openai.azure.com{CHAT}\n{VERSION}", "a line break"),
        (
            f"https://acme.openai.azure.com/openai/deployments/a%2F..%2Fb/chat/completions{VERSION}",
            "name of a deployment",
        ),
        (f"https://<YOUR_DEPLOYMENT_NAME>.openai.azure.com{CHAT}{VERSION}", "placeholder"),
        (f"https://key@acme.openai.azure.com{CHAT}{VERSION}", "its own field"),
        (f"https://acme.openai.azure.com:8443{CHAT}{VERSION}", "leave “:8443” away"),
        (f"https://acme.openai.azure.com.evil.example{CHAT}{VERSION}", "no address of Azure OpenAI"),
        (f"https://openai.azure.com{CHAT}{VERSION}", "no address of Azure OpenAI"),
        ("https://api.openai.com/v1/chat/completions", "no address of Azure OpenAI"),
    ],
)
def test_what_is_no_target_uri_is_refused_with_what_to_paste(text: str, words: str) -> None:
    with pytest.raises(TargetUriRefused) as refused:
        parse_target_uri(text)

    assert words in str(refused.value)
    assert EXAMPLE in str(refused.value)


def test_a_gateway_that_the_operator_trusts_may_stand_before_azure() -> None:
    text = f"http://gateway.internal:8080{CHAT}{VERSION}"

    read = parse_target_uri(text, gateways={"gateway.internal"})

    assert (read.endpoint, str(read)) == ("http://gateway.internal:8080", text)
