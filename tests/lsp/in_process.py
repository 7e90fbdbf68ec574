"""A server in the test's own process, over memory streams, with a clock that tests can advance."""

from __future__ import annotations

import asyncio
import json
import time
from functools import cache
from typing import Any, Union

import cattrs
from lsprotocol import types
from pygls.io_ import run_async
from pygls.protocol import default_converter
from pytest_lsp import LanguageClient
from pytest_lsp.client import register_lsp_features

from fillmask_ls import mlm
from fillmask_ls.engine.api import Engine
from fillmask_ls.engine.local import LocalEngine
from fillmask_ls.lsp.server import FillmaskServer
from fillmask_ls.lsp.transport.framing import read_message
from fillmask_ls.lsp.transport.message_loop import run_message_loop


class MemoryWriter:
    """Writes to a stream that the other side reads."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream

    def write(self, data: bytes) -> None:
        self._stream.feed_data(data)

    def close(self) -> None:
        self._stream.feed_eof()


async def serve(server: FillmaskServer, stream: asyncio.StreamReader) -> None:
    """Pass the messages of a stream to a server until the client leaves."""

    async def drain() -> None:
        """Return at once: memory takes any number of bytes."""

    await run_message_loop(server.protocol, lambda: read_message(stream), drain)


@cache
def client_converter() -> cattrs.Converter:
    """Return the converter that all clients share, because a new one takes a tenth of a second."""
    converter = default_converter()

    def structure_action(value: dict[str, Any], _type: object) -> types.Command | types.CodeAction:
        # lsprotocol takes every code action with a command for a command.
        kind = types.Command if isinstance(value.get("command"), str) else types.CodeAction
        return converter.structure(value, kind)  # type: ignore[return-value]

    converter.register_structure_hook(types.Command | types.CodeAction, structure_action)
    converter.register_structure_hook(Union[types.Command, types.CodeAction], structure_action)  # noqa: UP007 - as lsprotocol
    return converter


class InProcessClient(LanguageClient):
    """pytest-lsp's client of a server in the same event loop."""

    def __init__(self, local: Engine | None = None) -> None:
        """Connect to a new server with a given engine, by default one with the embedded model."""
        super().__init__(converter_factory=client_converter)
        register_lsp_features(self)
        self.feature(types.CLIENT_REGISTER_CAPABILITY)(lambda _params: None)
        self.local = local or embedded_engine()
        server = FillmaskServer(local=self.local)  # type: ignore[arg-type]
        to_server, to_client = asyncio.StreamReader(), asyncio.StreamReader()
        server.protocol.set_writer(MemoryWriter(to_client))
        self._to_server = MemoryWriter(to_server)
        self.protocol.set_writer(self._to_server)
        self._serving = asyncio.ensure_future(serve(server, to_server))
        self._to_client = MemoryWriter(to_client)
        reading = run_async(
            self._stop_event, to_client, self.protocol, error_handler=lambda error, kind: self._failed(error)
        )
        self._reading = asyncio.ensure_future(reading)

    def _failed(self, error: Exception) -> None:
        self.error = error

    async def leave(self) -> None:
        """End the session as a well-behaved client does."""
        try:
            await self.shutdown_session()
            self._to_server.close()
            await self._serving
        finally:
            self._serving.cancel()
            self._to_client.close()
            await self._reading
            self.local.close()


class RawClient:
    """Sends any JSON to a server in the same event loop, and keeps every message that it receives.

    Attributes:
        messages: the server's notifications and requests in order, without those that a test has taken.
    """

    def __init__(self, local: Engine | None = None) -> None:
        """Connect to a new server with a given engine, by default one with the embedded model."""
        self.local = local or embedded_engine()
        server = FillmaskServer(local=self.local)  # type: ignore[arg-type]
        self.messages: list[dict[str, Any]] = []
        self._responses: dict[object, dict[str, Any]] = {}
        self._arrived = asyncio.Condition()
        self._last_id = 0
        to_server, to_client = asyncio.StreamReader(), asyncio.StreamReader()
        server.protocol.set_writer(MemoryWriter(to_client))
        self._to_server, self._to_client = MemoryWriter(to_server), MemoryWriter(to_client)
        self._serving = asyncio.ensure_future(serve(server, to_server))
        self._reading = asyncio.ensure_future(self._read(to_client))

    async def leave(self) -> None:
        """Close the connection without ``shutdown`` and ``exit``."""
        self._to_server.close()
        await self._serving
        self._to_client.close()
        await self._reading
        self.local.close()

    async def _read(self, stream: asyncio.StreamReader) -> None:
        while (body := await read_message(stream)) is not None:
            message = json.loads(body)
            async with self._arrived:
                if "method" in message:
                    self.messages.append(message)
                else:
                    self._responses[message["id"]] = message
                self._arrived.notify_all()

    def send(self, message: object) -> None:
        body = json.dumps(message).encode()
        self._to_server.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def notify(self, method: str, params: object = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, **({} if params is None else {"params": params})})

    def respond(self, request: dict[str, Any], result: object) -> None:
        """Answer a request of the server."""
        self.send({"jsonrpc": "2.0", "id": request["id"], "result": result})

    def send_request(self, method: str, params: object = None) -> int:
        """Send a request; return its id."""
        self._last_id += 1
        message = {"jsonrpc": "2.0", "id": self._last_id, "method": method}
        self.send(message if params is None else {**message, "params": params})
        return self._last_id

    async def wait_for_response(self, id: object) -> dict[str, Any]:
        """Wait for the response to a request."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: id in self._responses)
        return self._responses.pop(id)

    def has_response(self, id: object) -> bool:
        return id in self._responses

    async def request(self, method: str, params: object = None) -> dict[str, Any]:
        return await self.wait_for_response(self.send_request(method, params))

    async def wait_for_message(self, method: str) -> dict[str, Any]:
        """Wait for a notification or request of the server, and take it out of :attr:`messages`."""
        async with self._arrived:
            await self._arrived.wait_for(lambda: any(each["method"] == method for each in self.messages))
        message = next(each for each in self.messages if each["method"] == method)
        self.messages.remove(message)
        return message

    async def initialize(self, capabilities: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        result = await self.request(
            "initialize", {"processId": None, "rootUri": None, "capabilities": capabilities or {}, **params}
        )
        self.notify("initialized", {})
        return result

    def open(self, text: str, uri: str = "file:///a.txt", language: str = "plaintext") -> None:
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def change(
        self, uri: str, version: int | None, *changes: tuple[tuple[int, int], tuple[int, int], str] | str
    ) -> None:
        """Send changes, each of a range or of the whole text, in one notification."""
        content: list[dict[str, Any]] = []
        for change in changes:
            if isinstance(change, str):
                content.append({"text": change})
            else:
                ends = {
                    end: {"line": at[0], "character": at[1]}
                    for end, at in zip(("start", "end"), change[:2], strict=True)
                }
                content.append({"range": ends, "text": change[2]})
        document = {"uri": uri, "version": version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": content})

    def close(self, uri: str) -> None:
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def position_params(self, line: int, character: int, uri: str = "file:///a.txt") -> dict[str, Any]:
        return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}

    async def complete(self, line: int, character: int, uri: str = "file:///a.txt") -> Any:
        return (await self.request("textDocument/completion", self.position_params(line, character, uri)))["result"]


@cache
def _embedded_model(device: str, dtype: str, runtime: str) -> mlm.MaskedLM:
    import torch

    return mlm.load(
        "embedded", device=device, dtype=None if dtype == "auto" else getattr(torch, dtype), runtime=runtime
    )


def _load(model: str, device: str, dtype: str, runtime: str) -> mlm.MaskedLM:
    """Load a model, the embedded one only once per session."""
    import torch

    if mlm.resolve(model).name == "embedded":
        return _embedded_model(device, dtype, runtime)
    return mlm.load(model, device=device, dtype=None if dtype == "auto" else getattr(torch, dtype), runtime=runtime)


def embedded_engine() -> LocalEngine:
    """Return an engine without a model; it loads the embedded model once per test session."""
    return LocalEngine(load_model=_load)


class Clock:
    """The event loop's clock, which a test can advance instead of waiting for the server's pauses."""

    def __init__(self) -> None:
        self._ahead = 0.0
        loop = asyncio.get_running_loop()
        loop.time = lambda: time.monotonic() + self._ahead  # type: ignore[method-assign]

    def advance(self, seconds: float) -> None:
        self._ahead += seconds
