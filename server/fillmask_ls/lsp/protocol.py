"""The protocol's life cycle made exact: one response to every request, and our own documents.

pygls leaves a request with malformed parameters unanswered, serves requests before ``initialize``, and falls silent
after ``shutdown``; its documents split lines where the protocol doesn't. This class stands between the transport
and pygls' dispatch.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from typing import Any

from cattrs import Converter
from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcParseError,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol, default_converter, lsp_method

from .workspace import Workspace

logger = logging.getLogger(__name__)


def strict_converter() -> Converter:
    """pygls' converter, but a number is no text and a text no number: coerced, a null would become a word."""
    converter: Converter = default_converter()  # type: ignore[no-untyped-call]

    # ``kind`` is the type itself, bool, or an enumeration made of it.
    def text(value: object, kind: type[str]) -> str:
        if not isinstance(value, str):
            raise TypeError("not a text")
        return value if kind is str else kind(value)

    def number(value: object, kind: type[int]) -> int:
        if isinstance(value, bool) is not (kind is bool) or not isinstance(value, (int, float)) or value != int(value):
            raise TypeError("not a whole number, or not true or false")
        return int(value) if kind is int else kind(value)

    converter.register_structure_hook(str, text)
    converter.register_structure_hook(int, number)
    return converter


_SECONDS_TO_SETTLE = 1
_DEEPEST = 100
"""Of values in values: more than any message has, and few enough to be taken apart and put together by recursion."""


def _parsed(body: bytes) -> Any:
    """A message; every number in it is one that we can say again.

    Raises:
        ValueError: it is not JSON.
        RecursionError: it is nested deeper than Python can read.
    """
    return json.loads(body, parse_float=_finite, parse_constant=_refuse_constant)


def _finite(digits: str) -> float:
    return max(-sys.float_info.max, min(sys.float_info.max, float(digits)))


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _is_deep(body: bytes, message: object) -> bool:
    """Whether there are more values in values than :data:`_DEEPEST`."""
    if body.count(b"[") + body.count(b"{") <= _DEEPEST:  # as in all but a few
        return False
    level = [message]
    for _ in range(_DEEPEST):
        level = [
            child
            for value in level
            if isinstance(value, (dict, list))
            for child in (value.values() if isinstance(value, dict) else value)
        ]
    return bool(level)


def _without_depth(message: Any) -> Any:
    """A message that is too deep, with nothing where anything is: what is left is refused for what is missing."""
    if not isinstance(message, dict):
        return []
    return {name: 0 if isinstance(value, (dict, list)) else value for name, value in message.items()}


def _without_token(message: Any) -> Any:
    """The message as it may be logged: ``initialize`` can bring the token of a shared engine."""
    match message:
        case {"params": {"initializationOptions": {"engineToken": _, **options}, **params}}:
            return {**message, "params": {**params, "initializationOptions": {**options, "engineToken": "…"}}}
    return message


def _is_id(id: object) -> bool:
    return isinstance(id, (int, str)) and not isinstance(id, bool)


class Protocol(LanguageServerProtocol):
    """pygls' dispatch behind a strict gate.

    Attributes:
        documents: what the client has open.
        exit_code: the process's, once the client sent ``exit``: 0 after ``shutdown``, else 1.
        logs_messages: whether to log each message, and so the text of documents: only if the user said so.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.documents = Workspace()
        self.exit_code: int | None = None
        self.logs_messages = False
        self._initialized = False
        self._asked: dict[int | str, tuple[str, float]] = {}

    @property
    def is_shut_down(self) -> bool:
        return self._shutdown

    async def settle(self) -> None:
        """Return when all that ``shutdown`` cancelled is answered so: the process ends next."""
        works: list[Any] = list(self._request_futures.values())
        cancelled = [work for work in works if isinstance(work, asyncio.Future)]
        if self._shutdown and cancelled:
            await asyncio.wait(cancelled, timeout=_SECONDS_TO_SETTLE)
            await asyncio.sleep(0)

    def receive(self, body: bytes) -> None:
        """Take one message; every request in it, however malformed, gets exactly one response. Raises nothing."""
        try:
            self._receive(body)
        except Exception as error:
            logger.error("a message could not be handled: %s", type(error).__name__)

    def _receive(self, body: bytes) -> None:
        try:
            message = _parsed(body)
        except (ValueError, RecursionError):
            self._refuse(None, JsonRpcParseError("the message is not JSON"))
            return
        if _is_deep(body, message):
            message = _without_depth(message)
        if self.logs_messages:
            logger.debug("received %s", json.dumps(_without_token(message)))
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
            id = message.get("id") if isinstance(message, dict) else None
            self._refuse(id if _is_id(id) else None, JsonRpcInvalidRequest("the message is not a JSON-RPC 2.0 object"))
        elif "method" not in message:
            self._receive_response(message)
        elif "id" in message:
            self._receive_request(message)
        else:
            self._receive_notification(message)

    def _receive_request(self, message: dict[str, Any]) -> None:
        id, method = message["id"], message["method"]
        if not _is_id(id):
            self._refuse(None, JsonRpcInvalidRequest("a request's id must be a number or a text"))
        elif not isinstance(method, str):
            self._refuse(id, JsonRpcInvalidRequest("a request's method must be a text"))
        elif self._shutdown:
            self._refuse(id, JsonRpcInvalidRequest("the server was shut down"))
        elif method == types.INITIALIZE and self._initialized:
            self._refuse(id, JsonRpcInvalidRequest("the server was initialized already"))
        elif method != types.INITIALIZE and not self._initialized:
            self._refuse(id, JsonRpcServerNotInitialized("the server waits for initialize"))
        elif not self._knows(method):
            self._refuse(id, JsonRpcMethodNotFound.of(method))
        elif self.get_result_type(method) is None:
            self._refuse(id, JsonRpcInvalidRequest(f"{method} is a notification and has no response"))
        else:
            if method == types.INITIALIZE:
                message = self._tolerant(message)
            try:
                # Only a request's own members: with an "error" among them, pygls takes it for a response.
                structured = self.structure_message(
                    {name: message[name] for name in ("jsonrpc", "id", "method", "params") if name in message}
                )
            except Exception:
                self._refuse(id, JsonRpcInvalidParams(f"the parameters of {method} don't have the protocol's form"))
                return
            self._initialized = True
            if logger.isEnabledFor(logging.DEBUG):
                self._asked[id] = method, time.perf_counter()
            self.handle_message(structured)

    def _send_data(self, data: Any) -> None:
        error = getattr(data, "error", None)
        if isinstance(error, types.ResponseError) and error.code == types.ErrorCodes.InternalError:
            # pygls would send the traceback, and what was raised may quote the document.
            kind = error.message.partition(":")[0]
            data.error = types.ResponseError(code=error.code, message=f"this is a bug of fillmask-ls: {kind}")
        id = getattr(data, "id", None)
        if id in self._asked and not hasattr(data, "method"):
            method, since = self._asked.pop(id)
            error = getattr(data, "error", None)
            outcome = f"refused with {error.code}" if error else "answered"
            logger.debug("%s %s after %.1f ms", method, outcome, 1000 * (time.perf_counter() - since))
        if self.logs_messages:
            logger.debug("sent %s", json.dumps(data, default=self._serialize_message))
        super()._send_data(data)

    def _receive_notification(self, message: dict[str, Any]) -> None:
        method = message["method"]
        if method == types.EXIT:
            self.exit_code = 0 if self._shutdown else 1
            return
        if not self._initialized or self._shutdown or not isinstance(method, str):
            return
        if method == types.CANCEL_REQUEST:
            params = message.get("params")
            # Not what we asked the client: it may refuse to answer, and that is another message.
            if isinstance(params, dict) and _is_id(params.get("id")) and params["id"] not in self._result_types:
                self._handle_cancel_notification(params["id"])
            return
        if not self._knows(method):
            return
        try:
            structured = self.structure_message(message)
        except Exception:
            logger.warning("ignored a malformed %s", method)
            return
        self.handle_message(structured)

    def _execute_handler(self, msg_id: int | str, *args: Any, **kwargs: Any) -> None:
        """Run a handler and forget it once it is done; of notifications, pygls would keep it for ever."""
        super()._execute_handler(msg_id, *args, **kwargs)
        future = self._request_futures.get(msg_id)
        if future is not None:
            future.add_done_callback(lambda _: self._request_futures.pop(msg_id, None))

    def _receive_response(self, message: dict[str, Any]) -> None:
        id = message.get("id")
        if not _is_id(id) or id not in self._result_types:
            logger.warning("ignored a response to nothing that was asked")
            return
        asked = self._request_futures.get(id)
        if asked is None or asked.done():  # it came too late
            self._request_futures.pop(id, None)
            self._result_types.pop(id, None)
            return
        try:
            structured = self.structure_message(message)
        except Exception:
            self._result_types.pop(id, None)
            self._request_futures.pop(id, None)
            asked.set_exception(JsonRpcInvalidParams("the client's response is malformed"))
            return
        self.handle_message(structured)

    def _tolerant(self, message: dict[str, Any]) -> dict[str, Any]:
        """``initialize`` without what we don't use or know: a client newer than our types can start all the same."""
        params = message.get("params")
        if not isinstance(params, dict) or not isinstance(params.get("capabilities"), dict):
            return message
        understood: dict[str, dict[str, Any]] = {}
        for room, parts in params["capabilities"].items():
            for name, value in parts.items() if isinstance(parts, dict) else ():
                if self._understands({room: {name: value}}):
                    understood.setdefault(room, {})[name] = value
        known = {**params, "capabilities": understood, "rootUri": None, "rootPath": None, "workspaceFolders": None}
        return {**message, "params": known}

    def _understands(self, capability: dict[str, Any]) -> bool:
        try:
            self._converter.structure(capability, types.ClientCapabilities)
        except Exception:
            return False
        return True

    def _knows(self, method: str) -> bool:
        return method in self.fm.features or method in self.fm.builtin_features

    def _refuse(self, id: int | str | None, error: JsonRpcException) -> None:
        self._send_data({"jsonrpc": "2.0", "id": id, "error": error.to_response_error()})

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *_: Any) -> None:  # type: ignore[override]  # pygls takes any kind of function
        """Cancel what is under way, in either direction; pygls stumbles over what ends at once."""
        for future in list(self._request_futures.values()):
            future.cancel()
        self._shutdown = True

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(  # type: ignore[override]
        self, params: types.ExecuteCommandParams
    ) -> Any:
        """Run a command as part of its request's task: in pygls it goes on when the request is cancelled."""
        command = self.fm.commands.get(params.command)
        if command is None:
            raise JsonRpcInvalidParams(f"there is no command {params.command!r}")
        return await command(*(params.arguments or []))

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        self.documents.open(params.text_document)

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        self.documents.change(params.text_document, params.content_changes)

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        self.documents.close(params.text_document.uri)

    @lsp_method(types.NOTEBOOK_DOCUMENT_DID_OPEN)
    def lsp_notebook_document__did_open(self, params: types.DidOpenNotebookDocumentParams) -> None:
        self.documents.open_notebook(params)

    @lsp_method(types.NOTEBOOK_DOCUMENT_DID_CHANGE)
    def lsp_notebook_document__did_change(self, params: types.DidChangeNotebookDocumentParams) -> None:
        self.documents.change_notebook(params)

    @lsp_method(types.NOTEBOOK_DOCUMENT_DID_CLOSE)
    def lsp_notebook_document__did_close(self, params: types.DidCloseNotebookDocumentParams) -> None:
        self.documents.close_notebook(params)
