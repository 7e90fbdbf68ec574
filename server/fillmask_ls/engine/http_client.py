"""A connection to a server by HTTP: where the token may go, deadlines, second tries, and what went wrong in words.

The HTTP library is the one that the hub's client is built on, whichever that is. Redirects are not followed: a text
goes to the host that the user named, and to no other.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from .api import EngineError

T = TypeVar("T")

_TRIES = 3
_PAUSE = 0.1
"""Seconds before a second try, at most; each later one doubles it."""


class UnavailableError(EngineError):
    """The server can't answer anything now.

    Attributes:
        transient: whether another try may well succeed.
        retry_after: the seconds that the server asked to be left alone.
    """

    def __init__(self, message: str, *, transient: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.transient = transient
        self.retry_after = retry_after


class RefusedError(EngineError):
    """The server is there, but doesn't answer this question."""


class _RedirectedError(Exception):
    def __init__(self, to: str) -> None:
        super().__init__(to)
        self.to = to


@dataclass(frozen=True)
class Address:
    """A server, and the token that opens it: the only one that the token is shown to."""

    url: str
    token: str | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """As the user sees it, with the port."""
        return urlsplit(self.url).netloc

    def holds(self, scheme: str, host: str, port: int | None) -> bool:
        """Whether a request to there goes to this server."""
        own = urlsplit(self.url)
        default = {"https": 443, "http": 80}
        return (own.scheme, own.hostname, own.port or default.get(own.scheme)) == (
            scheme,
            host,
            port or default.get(scheme),
        )


def usable_token(value: object) -> str | None:
    """A token, if it is one that can be sent: an HTTP library would quote another in its error."""
    token = value.strip() if isinstance(value, str) else ""
    return token if token and all("!" <= letter <= "~" for letter in token) else None


def token_for(url: str, given: str | None) -> str | None:
    """The token for a server: the one that was given for it, by the client or the environment; for the hub's own hosts, and
    its providers, which have no ``url``, the user's own of the hub is next."""
    from huggingface_hub import get_token

    host = urlsplit(url).hostname or ""
    is_hubs = not url or host == "huggingface.co" or host.endswith((".huggingface.co", ".endpoints.huggingface.cloud"))
    return given or usable_token(os.environ.get("FILLMASK_TOKEN")) or (get_token() if is_hubs else None)


def client_factory(address: Address | None = None, *, direct: bool = False) -> Callable[[], Any]:
    """Makes clients of the hub's HTTP library, its ``AsyncClient``.

    Args:
        address: the one server that gets a token, its own; by default the hub's client decides.
        direct: whether to go past a proxy that the environment names, as to this machine.
    """
    from huggingface_hub import get_async_session

    async def authorize(request: Any) -> None:
        # Whatever token the hub's client found on this machine and put there is taken away.
        request.headers.pop("Authorization", None)
        if address and address.token and address.holds(request.url.scheme, request.url.host, request.url.port):
            request.headers["Authorization"] = f"Bearer {address.token}"

    async def refuse_redirect(response: Any) -> None:
        if 300 <= response.status_code < 400:
            raise _RedirectedError(urlsplit(response.headers.get("Location", "")).netloc)

    kind: Any = type(get_async_session())
    hooks = {"request": [authorize] if address else [], "response": [refuse_redirect]}
    proxies = dict.fromkeys(("http://", "https://", "all://")) if direct else None
    return lambda: kind(follow_redirects=False, timeout=None, event_hooks=hooks, mounts=proxies)


class Connection:
    """Our own protocol's requests to one server; connections are kept open and used again."""

    def __init__(self, address: Address, client: Any) -> None:
        self.address = address
        self._client = client

    async def get(self, path: str) -> tuple[int, Any]:
        """The status of what is there, and the JSON in it; None where it is none.

        Raises:
            UnavailableError: there is no answer, or one that says that there will be none without a change.
        """
        try:
            response = await self._client.get(self.address.url + path)
        except Exception as error:
            raise failure(error, self.address.host) from None
        if response.status_code in _UNAVAILABLE:
            raise self._failed(response)
        try:
            return response.status_code, response.json()
        except ValueError:
            return response.status_code, None

    async def post(self, path: str, body: object) -> Any:
        """The JSON that the server answers with.

        Raises:
            UnavailableError, RefusedError: there is none.
        """
        # Written here, because half a surrogate pair, which a document can hold, is no UTF-8.
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        try:
            response = await self._client.post(self.address.url + path, content=content, headers=headers)
            if response.status_code < 400:
                return response.json()
        except Exception as error:
            raise failure(error, self.address.host) from None
        raise self._failed(response)

    async def close(self) -> None:
        """Close what is open."""
        await self._client.aclose()

    def _failed(self, response: Any) -> EngineError:
        try:
            said = str(response.json()["error"])
        except Exception:
            said = ""
        return refusal(response.status_code, response.headers, said, self.address)


async def persistently(attempt: Callable[[], Awaitable[T]], seconds: float, host: str) -> T:
    """The result of ``attempt``, tried again where that may help, all within ``seconds``.

    A question asked twice changes nothing, so each may be; a server that is slow or failed at a question is left alone.

    Raises:
        UnavailableError, RefusedError: there is none.
    """
    end = asyncio.get_running_loop().time() + seconds
    before: UnavailableError | None = None
    for number in range(1, _TRIES + 1):
        left = end - asyncio.get_running_loop().time()
        try:
            return await asyncio.wait_for(attempt(), left)
        except asyncio.TimeoutError:
            raise before or UnavailableError(f"{host} did not answer in {seconds:g} s.") from None
        except UnavailableError as error:
            pause = random.uniform(0, _PAUSE * 2**number)  # noqa: S311 - so that many clients don't come at once
            pause += error.retry_after or 0
            if not error.transient or number == _TRIES or asyncio.get_running_loop().time() + pause >= end:
                raise
            before = error
        await asyncio.sleep(pause)
    raise AssertionError("unreachable")


_UNAVAILABLE = {401, 403, 407, 429, 502, 503, 504}
"""What a server answers that is not there for anyone, or not for us."""


def refusal(status: int, headers: Any, said: str, address: Address) -> EngineError:
    """What an error of HTTP means.

    Args:
        said: the server's own words; quoted only where the question itself is at fault, and without the token.
    """
    host = address.host
    if status in (401, 403):
        problem = "refuses the token" if address.token else "wants a token"
        return UnavailableError(
            f"{host} {problem} ({status}): give one by the environment variable FILLMASK_TOKEN or your editor's secret "
            "store."
        )
    if status == 404:
        return UnavailableError(f"{host} has no engine at this address (404): look at fillmask.engine.url.")
    if status in (429, 503):
        after = _seconds(headers.get("Retry-After"))
        problem = "has too much to do" if status == 429 else "is not ready"
        return UnavailableError(f"{host} {problem} ({status}).", transient=True, retry_after=after)
    if status >= 500 or status == 407:
        # Without a word of the engine's own, whoever stands before it lost it on the way.
        return UnavailableError(f"{host} failed ({status}).", transient=status in (502, 504) or not said)
    quoted = " ".join((said.replace(address.token, "…") if address.token else said).split())[:200]
    return RefusedError(f"{host} does not answer this ({status}){': ' if quoted else '.'}{quoted}")


def failure(error: Exception, host: str) -> UnavailableError:
    """What went wrong on the way, of any library's error: it is told by its causes, and never quoted."""
    if isinstance(error, UnavailableError):
        return error
    causes = list(_causes(error))
    for cause in causes:
        match cause:
            case _RedirectedError(to=to):
                other = to if to and to != host else "another address"
                return UnavailableError(
                    f"{host} points to {other}, where nothing was sent: name that in fillmask.engine.url if you trust it."
                )
            case ssl.SSLCertVerificationError():
                return UnavailableError(f"The certificate of {host} is not trusted: {cause.verify_message}.")
            case ssl.SSLError():
                return UnavailableError(f"There is no safe connection to {host}.")
            case ConnectionRefusedError():
                return UnavailableError(f"{host} refuses connections: is the engine started?", transient=True)
            case socket.gaierror():
                return UnavailableError(f"There is no host {host}, or no network.")
            case ValueError() | AttributeError() | TypeError() | KeyError():
                return UnavailableError(f"{host} answers in another form than asked for.")
    if any(type(cause).__name__ in ("ConnectTimeout", "ReadTimeout") for cause in causes):
        return UnavailableError(f"{host} did not answer in time.")
    return UnavailableError(f"The connection to {host} broke off.", transient=True)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _seconds(value: str | None) -> float | None:
    """``Retry-After`` in seconds; a date there is not taken for anything."""
    return float(value) if value and value.isdecimal() else None
