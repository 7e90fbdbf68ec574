"""Raw clients, which send any bytes to a server, valid messages or not, and keep its messages."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import queue
import shutil
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Sequence
from io import FileIO
from typing import IO, Any

from pygls.lsp.server import LanguageServer

from fillmask_ls.lsp.transport.stdio import serve_files

_PROGRAM = shutil.which("fillmask-ls", path=sysconfig.get_path("scripts"))
assert _PROGRAM, "install it first: pip install -e '.[test]'"
SERVER = [_PROGRAM]

TIMEOUT = 90.0
"""Seconds to wait for a message: far more than any takes on a busy machine."""


class Connection:
    """A client of the server at the other end of two pipes.

    Attributes:
        messages: received messages that nothing has taken yet; None at the end.
        notifications: messages that arrived while another one was awaited.
        reads: cleared by a test so that the server's output stays unread.
    """

    def __init__(self, to_server: IO[bytes], from_server: IO[bytes]) -> None:
        self.messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.notifications: list[dict[str, Any]] = []
        self.reads = threading.Event()
        self.reads.set()
        self._to_server, self._from_server = to_server, from_server
        self._last_id = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        length = 0
        with contextlib.suppress(OSError, ValueError):  # closed by the end of the test
            while header := self._from_server.readline():
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
                elif not header.strip():
                    self.reads.wait()
                    self.messages.put(json.loads(self._from_server.read(length)))
        self.messages.put(None)

    def close_input(self) -> None:
        """Close the server's standard input."""
        with contextlib.suppress(BrokenPipeError):
            self._to_server.close()

    def send_bytes(self, data: bytes) -> None:
        self._to_server.write(data)
        self._to_server.flush()

    def send(self, message: object) -> None:
        body = json.dumps(message).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def notify(self, method: str, params: object = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, **({} if params is None else {"params": params})})

    def send_request(self, method: str, params: object = None) -> int:
        """Send a request; return its id."""
        self._last_id += 1
        message = {"jsonrpc": "2.0", "id": self._last_id, "method": method}
        self.send(message if params is None else {**message, "params": params})
        return self._last_id

    def receive(self, timeout: float = TIMEOUT) -> dict[str, Any]:
        """Return the next message.

        Raises:
            queue.Empty: it doesn't arrive in time.
            EOFError: the server has closed its output.
        """
        message = self.messages.get(timeout=timeout)
        if message is None:
            raise EOFError("the server closed its output")
        return message

    def wait_for_response(self, id: int | str | None, timeout: float = TIMEOUT) -> dict[str, Any]:
        """Return the response to a request; messages that arrive before it are kept in ``notifications``."""
        deadline = time.monotonic() + timeout
        while True:
            message = self.receive(max(0.01, deadline - time.monotonic()))
            if "method" not in message and message.get("id") == id:
                return message
            self.notifications.append(message)

    def request(self, method: str, params: object = None, timeout: float = TIMEOUT) -> dict[str, Any]:
        """Send a request, and wait for its response."""
        return self.wait_for_response(self.send_request(method, params), timeout)

    def initialize(self, capabilities: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        result = self.request(
            "initialize", {"processId": None, "rootUri": None, "capabilities": capabilities or {}, **params}
        )
        self.notify("initialized", {})
        return result

    def shut_down(self) -> None:
        """End the session as a well-behaved client does."""
        assert self.request("shutdown")["result"] is None
        self.notify("exit")

    def open(self, text: str, uri: str = "file:///a.txt") -> None:
        document = {"uri": uri, "languageId": "plaintext", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def close(self, uri: str) -> None:
        self.notify("textDocument/didClose", {"textDocument": {"uri": uri}})

    def edit(self, start: tuple[int, int], end: tuple[int, int], text: str, version: int, uri: str) -> None:
        ends = {name: {"line": at[0], "character": at[1]} for name, at in (("start", start), ("end", end))}
        self.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"range": ends, "text": text}]},
        )

    def position_params(self, line: int, character: int, uri: str = "file:///a.txt") -> dict[str, Any]:
        """Return the parameters of a request about a position."""
        return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}

    def complete(self, line: int, character: int, timeout: float = TIMEOUT) -> Any:
        return self.request("textDocument/completion", self.position_params(line, character), timeout)["result"]


class Wire(Connection):
    """A client of the installed program.

    Attributes:
        process: the program.
        started: when it was started.
    """

    def __init__(
        self,
        *arguments: str,
        env: dict[str, str] | None = None,
        program: Sequence[str] = SERVER,
        preexec: Callable[[], None] | None = None,
    ) -> None:
        self.started = time.perf_counter()
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [*program, *arguments], stdin=pipe, stdout=pipe, stderr=pipe, env=env, preexec_fn=preexec
        )
        assert self.process.stdin
        assert self.process.stdout
        super().__init__(self.process.stdin, self.process.stdout)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.close_input()
        for pipe in (self.process.stdout, self.process.stderr):
            pipe.close()  # type: ignore[union-attr]

    def wait(self, timeout: float = TIMEOUT) -> int:
        """Wait for the end of the process; return its exit code."""
        return self.process.wait(timeout)

    def log(self) -> str:
        """Return the standard error of the process. Call it after the process has ended."""
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()


class ThreadWire(Connection):
    """A client of a server in a thread of this process, over pipes.

    Args:
        make_server: called in the thread.
    """

    def __init__(self, make_server: Callable[[], LanguageServer]) -> None:
        server_in, client_out = os.pipe()
        client_in, server_out = os.pipe()
        super().__init__(os.fdopen(client_out, "wb"), os.fdopen(client_in, "rb"))
        self._exit_code: int | None = None

        async def serve() -> int:
            stdin = FileIO(server_in, "rb")  # not closed: a thread of the server may be reading
            with FileIO(server_out, "wb") as stdout:
                return await serve_files(make_server().protocol, stdin, stdout)  # type: ignore[arg-type]

        def run() -> None:
            self._exit_code = asyncio.run(serve())

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def __enter__(self) -> ThreadWire:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_input()
        self.wait()

    def wait(self, timeout: float = TIMEOUT) -> int:
        """Wait for the end of the server; return its exit code."""
        self._thread.join(timeout)
        assert self._exit_code is not None, "the server has not ended, or has failed"
        return self._exit_code
