"""The gate between a transport and pygls: exactly one response to every request, and our own documents.

pygls leaves a request with malformed parameters unanswered, serves requests before ``initialize``, sends nothing after
``shutdown``, and splits lines where the protocol doesn't. :class:`Protocol` refuses what pygls must not see, hands the rest
to pygls' dispatch, and keeps the documents in our own store.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any

from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInvalidParams,
    JsonRpcInvalidRequest,
    JsonRpcMethodNotFound,
    JsonRpcServerNotInitialized,
)
from pygls.protocol import LanguageServerProtocol, lsp_method

from .documents import Documents
from .message_validation import (
    MAX_DEPTH,
    InvalidMessageError,
    changed_documents,
    fill_in_versions,
    is_id,
    is_too_deep,
    keep_known_capabilities,
    parse_message,
    redact_token,
)

logger = logging.getLogger(__name__)

_CANCEL_TIMEOUT = 1.0
"""Seconds that cancelled requests get to send their responses before the process ends."""
_CHANGES = (types.TEXT_DOCUMENT_DID_CHANGE, types.NOTEBOOK_DOCUMENT_DID_CHANGE)


class Protocol(LanguageServerProtocol):
    """pygls' dispatch behind a strict gate.

    A transport sets a writer and passes the body of each message to :meth:`receive`. A test can do the same without any
    transport; responses arrive through the writer, from the event loop::

        class Writer:
            def write(self, data: bytes) -> None: ...  # one message each, without headers
            def close(self) -> None: ...

        server = FillmaskServer()
        server.protocol.set_writer(Writer(), include_headers=False)
        server.protocol.receive(b'{"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}')
        await asyncio.sleep(0)  # as the transports do: a handler takes its snapshot before the next message arrives

    Attributes:
        documents: the documents that the client has open.
        exit_code: the exit code of the process once the client has sent ``exit``: 0 after ``shutdown``, else 1.
        logs_messages: whether to log every message, and so the text of documents. Only if the user asks for it.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.documents = Documents()
        self.exit_code: int | None = None
        self.logs_messages = False
        self._initialized = False
        self._started: dict[int | str, tuple[str, float]] = {}
        """The method and start of each request that isn't answered yet; kept only if the log shows it."""

    @property
    def is_shut_down(self) -> bool:
        """Whether the client has sent ``shutdown``."""
        return self._shutdown

    async def wait_for_cancelled(self) -> None:
        """Wait until the requests that ``shutdown`` cancelled have sent their responses."""
        futures: list[Any] = list(self._request_futures.values())
        tasks = [future for future in futures if isinstance(future, asyncio.Future)]
        if self._shutdown and tasks:
            await asyncio.wait(tasks, timeout=_CANCEL_TIMEOUT)
            await asyncio.sleep(0)

    def receive(self, body: bytes) -> None:
        """Handle the body of one message. A request gets exactly one response, however malformed it is.

        Raises nothing: a transport need not know what can go wrong.
        """
        try:
            message = parse_message(body)
            self._log_message("received", message)
            if "method" not in message:
                self._receive_response(message)
            elif "id" in message:
                self._receive_request(message)
            else:
                self._receive_notification(message)
        except InvalidMessageError as invalid:
            self._refuse(invalid.id, invalid.error)
        except Exception as error:
            logger.error("failed to handle a message: %s", type(error).__name__)

    def _receive_request(self, message: dict[str, Any]) -> None:
        id, method = message["id"], message["method"]
        if not is_id(id):
            raise InvalidMessageError(JsonRpcInvalidRequest("the id of a request must be an integer or a string"))
        # With an "error" among the members, pygls would take the request for a response.
        members: dict[str, Any] = {
            name: message[name] for name in ("jsonrpc", "id", "method", "params") if name in message
        }
        try:
            self._check_request(method)
            request = self._structure(members)
        except JsonRpcException as error:
            self._refuse(id, error)
            return
        self._initialized = True
        if logger.isEnabledFor(logging.DEBUG):
            self._started[id] = method, time.perf_counter()
        self.handle_message(request)

    def _check_request(self, method: object) -> None:
        """Raise the JSON-RPC error of a request that can't be served now, or never."""
        if not isinstance(method, str):
            raise JsonRpcInvalidRequest("the method of a request must be a string")
        if self._shutdown:
            raise JsonRpcInvalidRequest("the server was shut down")
        if method == types.INITIALIZE and self._initialized:
            raise JsonRpcInvalidRequest("the server is already initialized")
        if method != types.INITIALIZE and not self._initialized:
            raise JsonRpcServerNotInitialized("the server is not initialized yet")
        if not self._has_handler(method):
            raise JsonRpcMethodNotFound.of(method)
        if self.get_result_type(method) is None:
            raise JsonRpcInvalidRequest(f"{method} is a notification and has no response")

    def _receive_notification(self, message: dict[str, Any]) -> None:
        method = message["method"]
        if method == types.EXIT:
            self.exit_code = 0 if self._shutdown else 1
        elif not self._initialized or self._shutdown or not isinstance(method, str):
            return
        elif method == types.CANCEL_REQUEST:
            self._cancel(message.get("params"))
        elif self._has_handler(method):
            try:
                notification = self._structure(message)
            except JsonRpcException:
                logger.warning("ignored a malformed %s", method)
                if method in _CHANGES:
                    for document in changed_documents(message):
                        self.documents.drop(document["uri"])
                return
            self.handle_message(notification)

    def _cancel(self, params: object) -> None:
        id = params.get("id") if isinstance(params, dict) else None
        # The ids of our own requests to the client are in _result_types: it can refuse them, but not cancel them.
        if is_id(id) and id not in self._result_types:
            self._handle_cancel_notification(id)  # type: ignore[arg-type]  # checked by is_id

    def _receive_response(self, message: dict[str, Any]) -> None:
        id = message.get("id")
        if not is_id(id) or id not in self._result_types:
            logger.warning("ignored a response to an unknown request")
            return
        future = self._request_futures.get(id)
        if future is None or future.done():  # the response came too late
            self._forget(id)
            return
        try:
            response = self._structure(message)
        except JsonRpcException as error:
            self._forget(id)
            future.set_exception(error)
            return
        self.handle_message(response)
        self._result_types.pop(id, None)  # pygls keeps that of a refused request

    def _forget(self, id: int | str) -> None:
        self._request_futures.pop(id, None)
        self._result_types.pop(id, None)

    def _structure(self, message: dict[str, Any]) -> Any:
        """Convert a message to the types of lsprotocol.

        Raises:
            JsonRpcException: the message is nested too deeply, or doesn't have the protocol's form.
        """
        if is_too_deep(message):
            raise JsonRpcInvalidRequest(f"the message is nested more than {MAX_DEPTH} levels deep")
        method = message.get("method")
        if method == types.INITIALIZE:
            message = keep_known_capabilities(message, self._converter)
        elif method in _CHANGES:
            fill_in_versions(message, self._next_version)
        try:
            return self.structure_message(message)
        except Exception as error:
            what = f"the parameters of {method} don't" if method else "the response doesn't"
            raise JsonRpcInvalidParams(f"{what} have the protocol's form") from error

    def _next_version(self, uri: str) -> int:
        document = self.documents.get(uri)
        return 0 if document is None else document.version + 1

    def _has_handler(self, method: str) -> bool:
        return method in self.fm.features or method in self.fm.builtin_features

    def _refuse(self, id: int | str | None, error: JsonRpcException) -> None:
        self._send_data({"jsonrpc": "2.0", "id": id, "error": error.to_response_error()})

    def _send_data(self, data: Any) -> None:
        """Send a message; log how long a request took."""
        error = getattr(data, "error", None)
        if isinstance(error, types.ResponseError) and error.code == types.ErrorCodes.InternalError:
            # pygls would send the exception's message and traceback, which may quote the document.
            kind = error.message.partition(":")[0]
            data.error = types.ResponseError(code=error.code, message=f"this is a bug of fillmask-ls: {kind}")
        id = getattr(data, "id", None)
        if id in self._started and not hasattr(data, "method"):
            method, start = self._started.pop(id)
            error = getattr(data, "error", None)
            outcome = f"refused with {error.code}" if error else "answered"
            logger.debug("%s %s after %.1f ms", method, outcome, 1000 * (time.perf_counter() - start))
        self._log_message("sent", data)
        super()._send_data(data)

    def _log_message(self, direction: str, message: Any) -> None:
        if not self.logs_messages:
            return
        if is_too_deep(message):
            logger.debug("%s a message that is nested too deeply", direction)
        else:
            logger.debug("%s %s", direction, json.dumps(redact_token(message), default=self._serialize_message))

    def _execute_handler(self, msg_id: int | str, *args: Any, **kwargs: Any) -> None:
        """Run a handler and forget its future once it is done; pygls would keep those of notifications forever."""
        super()._execute_handler(msg_id, *args, **kwargs)
        future = self._request_futures.get(msg_id)
        if future is not None:
            future.add_done_callback(lambda _: self._request_futures.pop(msg_id, None))

    @lsp_method(types.SHUTDOWN)
    def lsp_shutdown(self, *_: Any) -> None:  # type: ignore[override]  # pygls takes any kind of function
        """Cancel all requests in flight, in both directions; pygls fails if one ends at once."""
        for future in list(self._request_futures.values()):
            future.cancel()
        self._shutdown = True

    @lsp_method(types.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(  # type: ignore[override]
        self, params: types.ExecuteCommandParams
    ) -> Any:
        """Run a command inside its request's task; in pygls it continues when the request is cancelled."""
        command = self.fm.commands.get(params.command)
        if command is None:
            raise JsonRpcInvalidParams(f"unknown command {params.command!r}")
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
