"""HTTP responses of the shared engine, as the ASGI interface sends them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application: https://asgi.readthedocs.io/en/latest/specs/www.html."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response: status, body and headers."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"

    @classmethod
    def of_json(cls, status: int, value: object, headers: Mapping[str, str] | None = None) -> Reply:
        """Return a response with a JSON value as its body."""
        return cls(status, json.dumps(value).encode(), headers or {})


class RefusalError(Exception):
    """A request is refused.

    Attributes:
        reply: the response; its body states the reason.
    """

    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reply = Reply.of_json(status, {"error": message}, headers)


class DisconnectedError(Exception):
    """The client closed the connection before its answer."""


async def send_reply(send: Send, reply: Reply, headers: Mapping[str, str] | None = None) -> None:
    """Send a response; ``headers`` are added to its own."""
    every = {"content-type": reply.content_type, "content-length": str(len(reply.content))}
    every |= {name.lower(): value for name, value in {**reply.headers, **(headers or {})}.items()}
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in every.items()]
    await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
    await send({"type": "http.response.body", "body": reply.content})
