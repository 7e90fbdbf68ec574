"""A raw client: bytes to a real server process, for what a well-behaved client library would never send."""

from __future__ import annotations

import contextlib
import json
import queue
import shutil
import subprocess
import sysconfig
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

_PROGRAM = shutil.which("fillmask-ls", path=sysconfig.get_path("scripts"))
assert _PROGRAM, "install it first: pip install -e '.[test]'"
SERVER = [_PROGRAM]


class Wire:
    """A server process and the messages it sent."""

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
        self.messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.notifications: list[dict[str, Any]] = []
        self.holds = False
        """While true, what the server sends is left unread."""
        self._id = 0
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]

    def _read(self) -> None:
        out = self.process.stdout
        assert out is not None
        length = 0
        while header := out.readline():
            name, _, value = header.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            elif not header.strip():
                while self.holds:
                    time.sleep(0.01)
                self.messages.put(json.loads(out.read(length)))
        self.messages.put(None)

    def send_bytes(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def send(self, message: object) -> None:
        body = json.dumps(message).encode()
        self.send_bytes(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))

    def notify(self, method: str, params: object = None) -> None:
        self.send({"jsonrpc": "2.0", "method": method, **({} if params is None else {"params": params})})

    def ask(self, method: str, params: object = None) -> int:
        """Send a request; returns its id."""
        self._id += 1
        self.send(
            {"jsonrpc": "2.0", "id": self._id, "method": method, **({} if params is None else {"params": params})}
        )
        return self._id

    def receive(self, timeout: float = 60) -> dict[str, Any]:
        message = self.messages.get(timeout=timeout)
        if message is None:
            raise EOFError("the server closed its output")
        return message

    def answer(self, id: int | str | None, timeout: float = 60) -> dict[str, Any]:
        """The response to a request; notifications and requests that come before it are kept."""
        deadline = time.monotonic() + timeout
        while True:
            message = self.receive(max(0.01, deadline - time.monotonic()))
            if "method" not in message and message.get("id") == id:
                return message
            self.notifications.append(message)

    def request(self, method: str, params: object = None, timeout: float = 60) -> dict[str, Any]:
        return self.answer(self.ask(method, params), timeout)

    def initialize(self, capabilities: dict[str, Any] | None = None, **params: Any) -> dict[str, Any]:
        result = self.request(
            "initialize", {"processId": None, "rootUri": None, "capabilities": capabilities or {}, **params}
        )
        self.notify("initialized", {})
        return result

    def open(self, text: str, uri: str = "file:///a.txt") -> None:
        document = {"uri": uri, "languageId": "plaintext", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def edit(self, start: tuple[int, int], end: tuple[int, int], text: str, version: int, uri: str) -> None:
        places = {name: {"line": at[0], "character": at[1]} for name, at in (("start", start), ("end", end))}
        self.notify(
            "textDocument/didChange",
            {"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"range": places, "text": text}]},
        )

    def at(self, line: int, character: int, uri: str = "file:///a.txt") -> dict[str, Any]:
        return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}

    def complete(self, line: int, character: int, timeout: float = 60) -> Any:
        return self.request("textDocument/completion", self.at(line, character), timeout)["result"]

    def wait(self, timeout: float) -> int:
        return self.process.wait(timeout)
