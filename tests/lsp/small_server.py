"""A server with a few handlers and our protocol, and a client in the same event loop, without engine or transport."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Generic, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from fillmask_ls.lsp.message_validation import strict_converter
from fillmask_ls.lsp.protocol import Protocol

INITIALIZE = {"processId": None, "rootUri": None, "capabilities": {}}
INITIALIZE_REQUEST = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}
POSITION_PARAMS = {"textDocument": {"uri": "file:///a.txt"}, "position": {"line": 0, "character": 0}}
HOVER = {"jsonrpc": "2.0", "id": 2, "method": "textDocument/hover", "params": POSITION_PARAMS}
SHUTDOWN = {"jsonrpc": "2.0", "id": 3, "method": "shutdown"}
EXIT = {"jsonrpc": "2.0", "method": "exit"}


def framed(*messages: object) -> bytes:
    """Return messages with their headers."""
    bodies = [json.dumps(message).encode() for message in messages]
    return b"".join(b"Content-Length: %d\r\n\r\n%s" % (len(body), body) for body in bodies)


class SmallServer(LanguageServer):
    """A server whose hover shows the document, and whose completion waits.

    Attributes:
        hover_text: shown by a hover instead of the document, unless empty.
        held: set when a completion has started.
        release: lets completions finish.
        completion_label: the only completion.
        hovers, completions: the number of requests so far.
        errors: the types of the errors that pygls reports.
    """

    protocol: Protocol

    def __init__(self) -> None:
        super().__init__("small", "1", protocol_cls=Protocol, converter_factory=strict_converter)
        self.hover_text = ""
        self.held, self.release = asyncio.Event(), asyncio.Event()
        self.errors: list[str] = []
        self.completion_label = "word"
        self.hovers = self.completions = 0

        @self.feature(types.TEXT_DOCUMENT_HOVER)
        async def hover(params: types.HoverParams) -> types.Hover | None:
            self.hovers += 1
            document = self.protocol.documents.get(params.text_document.uri)
            text = self.hover_text or (document.text if document else "")
            return types.Hover(text) if text else None

        @self.feature(types.TEXT_DOCUMENT_COMPLETION)
        async def completion(params: types.CompletionParams) -> list[types.CompletionItem]:
            self.completions += 1
            self.held.set()
            await self.release.wait()
            return [types.CompletionItem(self.completion_label)]

        @self.command("test.run")
        async def run(*arguments: Any) -> str:
            if arguments and arguments[0] == "fail":
                raise ValueError("secret")
            self.held.set()
            await self.release.wait()
            return "done"

        @self.command("test.configuration")
        async def configuration(*_: Any) -> str:
            """Request the client's configuration; return the result, or the type of the error."""
            try:
                items = [types.ConfigurationItem(section="x")]
                return str(await self.workspace_configuration_async(types.ConfigurationParams(items)))
            except JsonRpcException as error:
                return type(error).__name__

    def report_server_error(self, error: Exception, source: Any) -> None:
        if not isinstance(error, JsonRpcException):  # a JsonRpcException is the response to a request
            self.errors.append(type(error).__name__)


S = TypeVar("S", bound=LanguageServer)


class DirectClient(Generic[S]):
    """Sends messages to a server in the same event loop without a transport; keeps what the server sends.

    Attributes:
        server: the server.
        messages: everything that the server has sent.
    """

    def __init__(self, server: S) -> None:
        self.server = server
        self.protocol: Protocol = server.protocol  # type: ignore[assignment]
        self.messages: list[dict[str, Any]] = []
        self._sent = asyncio.Event()
        self.protocol.set_writer(self, include_headers=False)
        self._last_id = 0

    def write(self, data: bytes) -> None:
        self.messages.append(json.loads(data))
        self._sent.set()

    def close(self) -> None:
        pass

    async def send(self, message: object) -> None:
        """Send a message, or the bytes of one; returns after the first step of its handler."""
        self.protocol.receive(message if isinstance(message, bytes) else json.dumps(message).encode())
        await asyncio.sleep(0)

    async def notify(self, method: Any, params: object = None) -> None:
        await self.send({"jsonrpc": "2.0", "method": method, "params": params})

    async def send_request(self, method: Any, params: object = None) -> int:
        """Send a request; return its id."""
        self._last_id += 1
        await self.send({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        return self._last_id

    async def wait_for_response(self, id: object) -> dict[str, Any]:
        """Wait for the response to a request; there must be only one."""
        while not (responses := self.responses(id)):
            self._sent.clear()
            await self._sent.wait()
        assert len(responses) == 1
        return responses[0]

    def responses(self, id: object) -> list[dict[str, Any]]:
        """Return the responses with an id so far."""
        return [message for message in self.messages if "method" not in message and message["id"] == id]

    async def wait_for_message(self, method: str) -> dict[str, Any]:
        """Wait for a request or notification of the server."""
        while not (found := [message for message in self.messages if message.get("method") == method]):
            self._sent.clear()
            await self._sent.wait()
        return found[-1]

    async def request(self, method: Any, params: object = None) -> dict[str, Any]:
        return await self.wait_for_response(await self.send_request(method, params))

    async def initialize(self, capabilities: dict[str, Any] | None = None) -> dict[str, Any]:
        result = await self.request("initialize", {**INITIALIZE, "capabilities": capabilities or {}})
        await self.notify("initialized", {})
        return result

    async def open(self, text: str, uri: str = "file:///a.txt") -> None:
        document = {"uri": uri, "languageId": "plaintext", "version": 5, "text": text}
        await self.notify("textDocument/didOpen", {"textDocument": document})


def code(response: dict[str, Any]) -> int:
    """Return the code of an error response."""
    return int(response["error"]["code"])


def nested(depth: int) -> Any:
    """Return lists in lists."""
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value
