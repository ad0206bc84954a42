"""A model that takes a second to answer and says little: what a worker waits for while it is measured.

Run as a program with the seconds an answer takes; prints its port. `GET /answers` tells when it answered what.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from typing import Any

ANSWERS: dict[str, dict[str, Any]] = {
    "VerdictAnswer": {
        "evidence": [],
        "verdict": "unsure",
        "confidence": "low",
        "explanation": "Nothing in these lines decides it.",
    },
    "ComponentAnswer": {"tag": "API", "risk": "neutral", "reason": "It answers requests."},
}


class Server:
    """Answers chat completions by the name of the schema that is asked for, and remembers when."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._answered: dict[str, list[float]] = {}

    async def run(self) -> None:
        """Serve on a free port until ended."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                sizes = [int(line.partition(":")[2]) for line in lines if line.lower().startswith("content-length:")]
                body = await reader.readexactly(sizes[0]) if sizes else b""
                answer = await self._answer(lines[0].split()[1], body)
                content = json.dumps(answer).encode()
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(content)
                )
                writer.write(content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass
        finally:
            writer.close()

    async def _answer(self, path: str, body: bytes) -> dict[str, Any]:
        if path == "/answers":
            return self._answered
        await asyncio.sleep(self._seconds)
        question = json.loads(body)
        name = question["response_format"]["json_schema"]["name"]
        self._answered.setdefault(name, []).append(time.time())
        return {
            "id": "bench",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": question["model"],
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {"role": "assistant", "content": json.dumps(ANSWERS[name])},
                }
            ],
            "usage": {"prompt_tokens": 900, "completion_tokens": 60, "total_tokens": 960},
        }


if __name__ == "__main__":
    asyncio.run(Server(float(sys.argv[1])).run())
