"""HTTP to one server: token, timeouts, retries, and error messages for the user.

The HTTP library is the one that huggingface_hub is built on, which depends on its version. Redirects are not followed:
text goes to the host that the user named and to no other.
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
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

from .api import EngineError
from .codec import MAX_BODY_BYTES

T = TypeVar("T")

_TRIES = 3
_PAUSE = 0.1
"""Maximum seconds before the second try; doubled for each later one."""


class UnavailableError(EngineError):
    """The server cannot answer any question now.

    Attributes:
        transient: whether another try may succeed.
        retry_after: the seconds that the server asked to wait.
    """

    def __init__(self, message: str, *, transient: bool = False, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.transient = transient
        self.retry_after = retry_after


class RefusedError(EngineError):
    """The server answers, but not this question."""


class _RedirectedError(Exception):
    def __init__(self, to: str) -> None:
        super().__init__(to)
        self.to = to


@dataclass(frozen=True)
class Address:
    """A server and its token, which is sent to no other server."""

    url: str
    token: str | None = field(default=None, repr=False)

    @property
    def host(self) -> str:
        """The host and port, as messages name them."""
        return urlsplit(self.url).netloc

    def matches(self, scheme: str, host: str, port: int | None) -> bool:
        """Return whether a request to this origin goes to this server."""
        own = urlsplit(self.url)
        default = {"https": 443, "http": 80}
        return (own.scheme, own.hostname, own.port or default.get(own.scheme)) == (
            scheme,
            host,
            port or default.get(scheme),
        )


def usable_token(value: object) -> str | None:
    """Return a token if it can be sent in a header, otherwise None: HTTP libraries quote invalid headers in errors."""
    token = value.strip() if isinstance(value, str) else ""
    return token if token and all("!" <= letter <= "~" for letter in token) else None


def token_for(url: str, given: str | None) -> str | None:
    """Return the token for a server.

    In this order: ``given``, the environment variable ``FILLMASK_TOKEN``, and for Hugging Face's own hosts and providers
    (which have no ``url``) the user's token for the hub.
    """
    from huggingface_hub import get_token

    host = urlsplit(url).hostname or ""
    is_hubs = not url or host == "huggingface.co" or host.endswith((".huggingface.co", ".endpoints.huggingface.cloud"))
    return given or usable_token(os.environ.get("FILLMASK_TOKEN")) or (get_token() if is_hubs else None)


def client_factory(address: Address | None = None, *, bypass_proxy: bool = False) -> Callable[[], Any]:
    """Return a factory of HTTP clients (``httpx.AsyncClient``).

    Args:
        address: the only server that gets a token, its own; by default huggingface_hub decides.
        bypass_proxy: whether to ignore a proxy that the environment names, as for a server on this machine.
    """

    async def authorize(request: Any) -> None:
        # Remove any token that huggingface_hub found on this machine and added.
        request.headers.pop("Authorization", None)
        if address and address.token and address.matches(request.url.scheme, request.url.host, request.url.port):
            request.headers["Authorization"] = f"Bearer {address.token}"

    async def refuse_redirect(response: Any) -> None:
        if 300 <= response.status_code < 400:
            raise _RedirectedError(urlsplit(response.headers.get("Location", "")).netloc)

    hooks = {"request": [authorize] if address else [], "response": [refuse_redirect]}
    proxies = dict.fromkeys(("http://", "https://", "all://")) if bypass_proxy else None
    options: dict[str, Any] = {"follow_redirects": False, "timeout": None, "event_hooks": hooks, "mounts": proxies}
    if address and urlsplit(address.url).scheme == "http":
        options["verify"] = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # reading all trusted certificates takes 40 ms
    return lambda: _client_class()(**options)


@cache
def _client_class() -> Any:
    """Return the class of huggingface_hub's HTTP clients."""
    from huggingface_hub import get_async_session

    return type(get_async_session())


class Connection:
    """Sends our own protocol's requests to one server; connections are kept open."""

    def __init__(self, address: Address, client: Any) -> None:
        self.address = address
        self._client = client

    async def get(self, path: str) -> tuple[int, Any]:
        """Return the status of a GET, and the JSON in its body or None.

        Raises:
            UnavailableError: there is no answer, or its status says that questions are not answered.
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
        """Return the JSON in the answer to a POST.

        Raises:
            UnavailableError, RefusedError: there is none.
        """
        # As ASCII, because half of a surrogate pair, which a document can contain, has no UTF-8.
        content = json.dumps(body).encode()
        if len(content) > MAX_BODY_BYTES:  # the server would close the connection while it is sent
            raise RefusedError(f"{self.address.host} accepts at most {MAX_BODY_BYTES >> 10} KiB: the text is too long.")
        headers = {"Content-Type": "application/json"}
        try:
            response = await self._client.post(self.address.url + path, content=content, headers=headers)
            if response.status_code < 400:
                return response.json()
        except Exception as error:
            raise failure(error, self.address.host) from None
        raise self._failed(response)

    async def close(self) -> None:
        """Close the open connections."""
        await self._client.aclose()

    def _failed(self, response: Any) -> EngineError:
        try:
            server_message = str(response.json()["error"])
        except Exception:
            server_message = ""
        return refusal(response.status_code, response.headers, server_message, self.address)


async def retry(attempt: Callable[[], Awaitable[T]], timeout: float, host: str) -> T:
    """Return the result of ``attempt``, trying again after transient failures, within ``timeout`` seconds in all.

    Questions are idempotent, so each may be asked again. A server that is slow, or that failed at the question itself,
    is not asked again.

    Raises:
        UnavailableError, RefusedError: no attempt succeeded.
    """
    end = asyncio.get_running_loop().time() + timeout
    before: UnavailableError | None = None
    for number in range(1, _TRIES + 1):
        left = end - asyncio.get_running_loop().time()
        try:
            return await asyncio.wait_for(attempt(), left)
        except asyncio.TimeoutError:
            raise before or UnavailableError(f"{host} did not answer in {timeout:g} s.") from None
        except UnavailableError as error:
            pause = random.uniform(0, _PAUSE * 2**number)  # noqa: S311 - so that many clients don't come together
            pause += error.retry_after or 0
            if not error.transient or number == _TRIES or asyncio.get_running_loop().time() + pause >= end:
                raise
            before = error
        await asyncio.sleep(pause)
    raise AssertionError("unreachable")


_UNAVAILABLE = {401, 403, 407, 429, 502, 503, 504}
"""Statuses of a server that answers nobody, or not this client."""


def refusal(status: int, headers: Any, server_message: str, address: Address) -> EngineError:
    """Return the error for an HTTP status.

    Args:
        server_message: the server's own message, quoted without the token, and only if the question itself is at fault.
    """
    host = address.host
    if status == 403 and "--allow-" in server_message:  # an engine of ours that was not told the name of its proxy
        return UnavailableError(f"{host} refuses this client (403): {server_message}.")
    if status in (401, 403):
        problem, token = ("refuses the token", "the right one") if address.token else ("requires a token", "it")
        return UnavailableError(
            f"{host} {problem} ({status}): set the environment variable FILLMASK_TOKEN or store {token} in your editor."
        )
    if status == 404:
        return UnavailableError(f"{host} has no engine at this address (404): check fillmask.engine.url (or --engine).")
    if status in (429, 503):
        after = _retry_after(headers.get("Retry-After"))
        problem = "is overloaded" if status == 429 else "is not ready"
        return UnavailableError(f"{host} {problem} ({status}).", transient=True, retry_after=after)
    if status >= 500 or status == 407:
        # Without a message of the engine itself, a proxy in front of it failed.
        return UnavailableError(f"{host} failed ({status}).", transient=status in (502, 504) or not server_message)
    quoted = " ".join((server_message.replace(address.token, "…") if address.token else server_message).split())[:200]
    return RefusedError(f"{host} does not answer this ({status}){': ' if quoted else '.'}{quoted}")


def failure(error: Exception, host: str) -> UnavailableError:
    """Return the error for an exception of any HTTP library, judged by its causes and never quoted."""
    if isinstance(error, UnavailableError):
        return error
    causes = list(_causes(error))
    for cause in causes:
        match cause:
            case _RedirectedError(to=to):
                other = to if to and to != host else "another address"
                return UnavailableError(
                    f"{host} redirects to {other}. Redirects are not followed. If you trust {other}, set "
                    "fillmask.engine.url (or --engine) to it."
                )
            case ssl.SSLCertVerificationError():
                return UnavailableError(f"The certificate of {host} is not trusted: {cause.verify_message}.")
            case ssl.SSLError():
                return UnavailableError(f"No secure connection (TLS) to {host}.")
            case ConnectionRefusedError():
                return UnavailableError(
                    f"{host} refuses connections. Check that the engine is started.", transient=True
                )
            case socket.gaierror():
                return UnavailableError(f"Host {host} not found. Check its name and the network.")
            case ValueError() | AttributeError() | TypeError() | KeyError():
                return UnavailableError(f"{host} answers in an unexpected form.")
    if any(type(cause).__name__ in ("ConnectTimeout", "ReadTimeout") for cause in causes):
        return UnavailableError(f"{host} did not answer in time.")
    return UnavailableError(f"The connection to {host} was interrupted.", transient=True)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _retry_after(value: str | None) -> float | None:
    """Return the seconds of a ``Retry-After`` header; a date is ignored."""
    return float(value) if value and value.isdecimal() else None
