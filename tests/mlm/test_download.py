"""Downloads, from a server on this machine that speaks the hub's protocol."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fillmask_ls.mlm.checkpoint import EMBEDDED

COMMIT = "0" * 39 + "1"
FILES = {file.name: file.read_bytes() for file in EMBEDDED.iterdir() if file.is_file()}
FILES["pytorch_model.bin"] = b"never asked for"


class Hub(ThreadingHTTPServer):
    """One model, ``some/model``; ``break_after`` makes it drop the next download of the weights after that many bytes."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.break_after: int | None = None
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
        if path.startswith("/api/models/some/model"):
            siblings = [{"rfilename": name} for name in FILES]
            tree = [{"type": "file", "path": n, "size": len(c), "oid": oid(c)} for n, c in FILES.items()]
            info = {"id": "some/model", "sha": COMMIT, "siblings": siblings, "private": False}
            self.reply(json.dumps(tree if "/tree/" in path else info).encode(), "application/json")
        elif path.startswith("/some/model/resolve/") and path.rpartition("/")[2] in FILES:
            self.reply(FILES[path.rpartition("/")[2]], "application/octet-stream", span)
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def reply(self, content: bytes, kind: str, span: str | None = None) -> None:
        start = int(span.removeprefix("bytes=").partition("-")[0]) if span else 0
        self.send_response(206 if span else 200)
        self.send_header("Content-Type", kind)
        self.send_header("ETag", f'"{oid(content)}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Accept-Ranges", "bytes")
        if span:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if self.command == "HEAD":
            return
        if len(content) > 1_000_000 and self.server.break_after is not None:
            self.wfile.write(content[start : start + self.server.break_after])
            self.server.break_after = None
            self.close_connection = True
            return
        self.wfile.write(content[start:])

    def log_message(self, *_: object) -> None:
        pass


def oid(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()


@pytest.fixture
def hub() -> Iterator[Hub]:
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def command(*arguments: str, endpoint: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    program = Path(sys.executable).with_name("fillmask-ls")
    return subprocess.run([program, *arguments], env=env, capture_output=True, text=True, timeout=100)


def endpoint(hub: Hub) -> str:
    return f"http://127.0.0.1:{hub.server_port}"


def test_a_download_is_asked_for_once_and_serves_offline_afterwards(hub: Hub) -> None:
    done = command("download", "some/model", endpoint=endpoint(hub))
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.strip()) / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert not any("pytorch_model.bin" in path for path, _ in hub.requests)
    assert "100%" in done.stderr  # progress

    hub.requests.clear()
    predicted = command("predict", "Paris is the capital of [MASK].", "--model", "some/model", endpoint=endpoint(hub))
    assert predicted.returncode == 0, predicted.stderr
    assert hub.requests == []


def test_a_broken_download_goes_on_where_it_broke(hub: Hub) -> None:
    hub.break_after = 20_000_000
    done = command("download", "some/model", endpoint=endpoint(hub))
    if done.returncode:  # the hub's client may go on by itself, or leave it to the next call
        assert "run the same command again" in done.stderr
        done = command("download", "some/model", endpoint=endpoint(hub))
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.strip()) / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    spans = [span for path, span in hub.requests if path.endswith("model.safetensors")]
    assert any(span and int(span.removeprefix("bytes=").partition("-")[0]) > 1_000_000 for span in spans), spans


def test_a_model_that_the_hub_does_not_know(hub: Hub) -> None:
    done = command("download", "some/other", endpoint=endpoint(hub))
    assert done.returncode == 3
    assert "'some/other'" in done.stderr.splitlines()[-1]


def test_a_download_without_a_network_says_so_soon() -> None:
    start = time.perf_counter()
    done = command("download", "some/model", endpoint="http://127.0.0.1:1")
    assert time.perf_counter() - start < 10
    assert done.returncode == 3
    assert "'some/model' could not be downloaded" in done.stderr


def test_without_a_download_being_asked_for_nothing_is_asked_of_the_hub(hub: Hub) -> None:
    assert command("predict", "a [MASK]", "--model", "some/model", endpoint=endpoint(hub)).returncode == 3
    assert command("predict", "a [MASK]", endpoint=endpoint(hub)).returncode == 0
    assert hub.requests == []
