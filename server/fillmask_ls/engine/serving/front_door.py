"""The front door of the shared engine: refuses requests by their headers, before anything of their body is read."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from ..codec import MAX_BODY_BYTES
from .reply import App, DisconnectedError, Message, Receive, RefusalError, Reply, Scope, Send, send_reply

_MAX_HEADERS = 64
_MAX_HEADER_BYTES = 16_384
_ONCE = (b"authorization", b"content-encoding", b"content-length", b"content-type", b"host", b"origin")
"""Headers that a request may have only once, because proxies and servers differ in which of several they read."""
_PATHS_WITHOUT_TOKEN = ("/healthz",)


def digest(token: str) -> str:
    """Return the hash of a token, which a server can compare, and from which nobody can read the token."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Policy:
    """Which requests a shared engine accepts.

    Attributes:
        token: the :func:`digest` of the token that clients must send; None if they need none.
        hosts: host names that requests may be addressed to, in addition to ``localhost`` and IP addresses; ``*`` for any.
            A page in a browser can point a name of its own at this machine (DNS rebinding), but no address.
        origins: origins of web pages that may ask, such as ``https://example.org``; ``*`` for any.
        max_body_bytes: maximum size of a body.
        body_timeout: seconds in which a body must arrive.
    """

    token: str | None = None
    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    max_body_bytes: int = MAX_BODY_BYTES
    body_timeout: float = 5.0


class FrontDoor:
    """ASGI middleware that lets in the requests that a :class:`Policy` allows.

    The application behind it gets a ``receive`` that raises
    :class:`~fillmask_ls.engine.serving.reply.RefusalError` for a body that is too large or too slow. A refused
    connection is closed, so that the rest of its body is never read.
    """

    def __init__(self, app: App, policy: Policy) -> None:
        self._app, self._policy = app, policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; see the ASGI specification."""
        if scope["type"] != "http":
            return
        allowed: dict[str, str] = {}
        connection = scope.get("state", {}).get("connection")
        try:
            if connection is not None:
                connection.begin_request()
            headers = Headers(scope["headers"])
            self._check_host(headers)
            allowed = self._check_origin(headers)
            if scope["method"] == "OPTIONS" and allowed:
                await send_reply(send, Reply(204, b""), allowed)
                return
            self._check_token(scope["path"], headers)
            self._check_body(headers)
            await self._app(scope, _Body(receive, self._policy).receive, _with_headers(send, allowed))
        except RefusalError as refusal:
            await send_reply(send, refusal.reply, {**allowed, "connection": "close"})
        except DisconnectedError:  # nobody reads the response, but a server in between may want one
            await send_reply(send, Reply(499, b""), {"connection": "close"})
        finally:
            if connection is not None:
                connection.end_request()

    def _check_host(self, headers: Headers) -> None:
        host = headers.get(b"host")
        if not host:
            raise RefusalError(400, "the request has no Host header")
        name = _host_name(host)
        if not (name == "localhost" or _is_address(name) or {name, "*"} & self._policy.hosts):
            raise RefusalError(403, "this host is not served here: see the option --allow-host")

    def _check_origin(self, headers: Headers) -> dict[str, str]:
        """Return the headers that let an allowed page in a browser read the response; none for other clients.

        Raises:
            RefusalError: the page is not allowed.
        """
        origin = headers.get(b"origin")
        if origin is None:
            if headers.get(b"sec-fetch-site") in ("cross-site", "same-site"):
                raise RefusalError(403, "pages of other sites are not served: see the option --allow-origin")
            return {}
        if not {origin, "*"} & self._policy.origins:
            raise RefusalError(403, "pages of this origin are not served: see the option --allow-origin")
        return {
            "access-control-allow-origin": origin,
            "access-control-allow-headers": "authorization, content-type",
            "access-control-allow-methods": "GET, POST",
            "vary": "origin",
        }

    def _check_token(self, path: str, headers: Headers) -> None:
        if self._policy.token is None or path in _PATHS_WITHOUT_TOKEN:
            return
        scheme, _, given = (headers.get(b"authorization") or "").partition(" ")
        right = hmac.compare_digest(digest(given.strip(" ")), self._policy.token)
        if scheme.lower() != "bearer":
            raise RefusalError(401, "send the header Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})
        if not right:
            raise RefusalError(401, "the token is wrong", {"WWW-Authenticate": "Bearer"})

    def _check_body(self, headers: Headers) -> None:
        if (headers.get(b"content-encoding") or "identity").lower() != "identity":
            raise RefusalError(415, "send the body without compression", {"Accept-Encoding": "identity"})
        length = headers.get(b"content-length")
        if length is not None and headers.get(b"transfer-encoding") is not None:
            raise RefusalError(400, "send Content-Length or Transfer-Encoding, not both")
        if length is not None and not (length.isascii() and length.isdigit()):
            raise RefusalError(400, "Content-Length is not a number")
        if length is not None and (len(length) > 15 or int(length) > self._policy.max_body_bytes):
            raise RefusalError(413, f"the body may have at most {self._policy.max_body_bytes} bytes")


class Headers:
    """The headers of a request.

    Raises:
        RefusalError: there are too many, they are too long, or one is repeated that may appear only once.
    """

    def __init__(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        if len(headers) > _MAX_HEADERS or sum(len(name) + len(value) for name, value in headers) > _MAX_HEADER_BYTES:
            raise RefusalError(431, f"send at most {_MAX_HEADERS} headers with {_MAX_HEADER_BYTES} bytes in all")
        names = [name.lower() for name, _ in headers]
        for name in _ONCE:
            if names.count(name) > 1:
                raise RefusalError(400, f"send the header {name.decode()} once")
        self._values = dict(zip(names, (value for _, value in headers), strict=True))

    def get(self, name: bytes) -> str | None:
        """Return a header's value; None if it is missing."""
        value = self._values.get(name)
        return None if value is None else value.decode("latin-1").strip(" \t")


class _Body:
    """Receives a body up to a size and within a time."""

    def __init__(self, receive: Receive, policy: Policy) -> None:
        self._receive, self._policy = receive, policy
        self._left = policy.max_body_bytes
        self._is_complete = False
        self._deadline: float | None = None

    async def receive(self) -> Message:
        if self._is_complete:  # only the client's disconnect can follow, which has no deadline
            return await self._receive()
        now = asyncio.get_running_loop().time()
        if self._deadline is None:
            self._deadline = now + self._policy.body_timeout
        try:
            message = await asyncio.wait_for(self._receive(), self._deadline - now)
        except asyncio.TimeoutError:
            raise RefusalError(408, f"the body did not arrive within {self._policy.body_timeout:g} s") from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise RefusalError(413, f"the body may have at most {self._policy.max_body_bytes} bytes")
        self._is_complete = not message.get("more_body", False)
        return message


def _with_headers(send: Send, headers: dict[str, str]) -> Send:
    if not headers:
        return send

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            extra = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
            message = {**message, "headers": [*message["headers"], *extra]}
        await send(message)

    return send_with_headers


def _host_name(host: str) -> str:
    """Return the name in a Host header, without its port and in lower case."""
    name, bracket, _ = host.partition("]")
    return (name[1:] if bracket else host.partition(":")[0]).lower().rstrip(".")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
