"""A server on this machine that speaks the Hugging Face hub's protocol."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from fillmask_ls.mlm.checkpoint import EMBEDDED

COMMIT = "0" * 39 + "1"
FILES = {file.name: file.read_bytes() for file in EMBEDDED.iterdir() if file.is_file()}
FILES["pytorch_model.bin"] = b"never downloaded"


class Hub(ThreadingHTTPServer):
    """Serves the embedded checkpoint as one model, and can misbehave.

    Attributes:
        model: the id of the model.
        break_after: the number of bytes after which the next download of the weights is cut off.
        stall_after: the number of bytes after which each download of the weights stalls.
        stalled: set when a download stalls.
        slow: whether downloads take a while.
        damaged: whether the weights differ from their hash.
        wrong_length: whether the announced length is larger than the content.
        requests: the path and range of each download so far.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.model = "some/model"
        self.break_after: int | None = None
        self.stall_after: int | None = None
        self.stalled = threading.Event()
        self.slow = self.damaged = self.wrong_length = False
        self.requests: list[tuple[str, str | None]] = []

    def handle_error(self, *_: object) -> None:
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path, span = self.path.split("?")[0], self.headers.get("Range")
        if self.command == "GET":
            self.server.requests.append((path, span))
        if path.startswith(f"/api/models/{self.server.model}"):
            siblings = [{"rfilename": name} for name in FILES]
            tree = [{"type": "file", "path": n, "size": len(c), "oid": oid(c)} for n, c in FILES.items()]
            info = {"id": self.server.model, "sha": COMMIT, "siblings": siblings, "private": False}
            self.reply(json.dumps(tree if "/tree/" in path else info).encode(), "application/json")
        elif path.startswith(f"/{self.server.model}/resolve/") and path.rpartition("/")[2] in FILES:
            self.reply(FILES[path.rpartition("/")[2]], "application/octet-stream", span)
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def reply(self, content: bytes, content_type: str, span: str | None = None) -> None:
        etag = oid(content)
        is_large = len(content) > 1_000_000
        if self.server.damaged and is_large:
            content = content[:-1000] + bytes(1000)
        start = int(span.removeprefix("bytes=").partition("-")[0]) if span else 0
        self.send_response(206 if span else 200)
        self.send_header("Content-Type", content_type)
        self.send_header("ETag", f'"{etag}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Accept-Ranges", "bytes")
        if span:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        excess = 5000 if self.server.wrong_length and is_large else 0
        self.send_header("Content-Length", str(len(content) - start + excess))
        self.end_headers()
        if self.command == "HEAD":
            return
        if is_large and self.server.stall_after is not None:
            self.wfile.write(content[start : start + self.server.stall_after])
            self.wfile.flush()
            self.server.stalled.set()
            time.sleep(60)
            self.close_connection = True
            return
        if is_large and self.server.break_after is not None:
            self.wfile.write(content[start : start + self.server.break_after])
            self.server.break_after = None
            self.close_connection = True
            return
        if excess:
            self.close_connection = True
        for part in range(start, len(content), 1 << 20):
            if self.server.slow:
                time.sleep(0.1)
            self.wfile.write(content[part : part + (1 << 20)])

    def log_message(self, *_: object) -> None:
        pass


def oid(content: bytes) -> str:
    """Return the id of a file's content: SHA-256 of large files, which git doesn't store, SHA-1 of others."""
    algorithm = hashlib.sha256 if len(content) > 1_000_000 else hashlib.sha1
    return algorithm(content).hexdigest()
