"""A shared engine on this machine with a real model and our own protocol or Hugging Face's, which can misbehave."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from fillmask_ls import MASK, mlm
from fillmask_ls.engine import codec
from fillmask_ls.engine.api import PredictQuestion, Question
from fillmask_ls.engine.dispatch import begin
from fillmask_ls.engine.job_queue import ModelSteps
from fillmask_ls.mlm.forward_steps import run_steps
from fillmask_ls.words import find_masks


def predict_question(text: str, **more: Any) -> PredictQuestion:
    """Return a question about each ``[MASK]`` of a text."""
    return PredictQuestion(text, tuple(find_masks(text)), **{"top_k": 5, **more})


TEA = predict_question(f"She drank a cup of {MASK} with milk.", top_k=10)

Pipeline = Callable[..., Any]


def answer(model: mlm.MaskedLM, question: Question) -> Any:
    """Answer a question as the local engine does."""
    begun = begin(model, question, {}, 512)
    return run_steps(model, begun.steps) if isinstance(begun, ModelSteps) else begun


class SharedEngine(ThreadingHTTPServer):
    """Speaks our own protocol with a ``model``, or Hugging Face's with transformers' ``pipeline``.

    Attributes:
        fault: how it misbehaves, if at all: a name in :meth:`Handler.misbehave`, or the status of an error.
        redirect_target: the URL that it redirects to.
        requests: the path, token and body of each request so far.
        disconnects: the number of clients that closed a request before its answer.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, model: mlm.MaskedLM | None = None, pipeline: Pipeline | None = None, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.model, self.pipeline = model, pipeline
        self.fault = ""
        self.redirect_target = ""
        self.requests: list[tuple[str, str | None, Any]] = []
        self.connections = 0
        self.disconnects = 0
        self.lock = threading.Lock()
        self.released = threading.Event()

    @property
    def url(self) -> str:
        scheme = "https" if isinstance(self.socket, ssl.SSLSocket) else "http"
        return f"{scheme}://127.0.0.1:{self.server_port}"

    @property
    def questions(self) -> list[Any]:
        """The bodies of the POST requests so far."""
        return [body for _, _, body in self.requests if body is not None]

    def handle_error(self, *_: object) -> None:
        pass


@contextmanager
def running(server: SharedEngine) -> Iterator[SharedEngine]:
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        server.server_close()
        server.lock.acquire()  # never released: Python's exit while a thread computes would abort the process


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: SharedEngine

    def setup(self) -> None:
        super().setup()
        with self.server.lock:
            self.server.connections += 1

    def do_GET(self) -> None:
        self.record(None)
        if self.server.model is None or self.path != "/healthz":
            self.reply(404, {"error": "Not Found"})
        elif self.server.fault in ("refuses", "redirects"):
            self.misbehave()
        else:
            self.reply(200, codec.health(self.server.model.name))

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.record(body)
        if self.server.fault:
            self.misbehave()
        elif self.server.model is not None and self.path == "/v1/predict":
            self.predict(body)
        elif self.server.pipeline is not None:
            self.fill_mask(body)
        else:
            self.reply(404, {"error": "Not Found"})

    def predict(self, body: Any) -> None:
        assert self.server.model is not None
        try:
            question = codec.read_request(body)
        except codec.CodecError as error:
            self.reply(400, {"error": str(error)})
            return
        with self.server.lock:
            result = answer(self.server.model, question)
        self.reply(200, codec.reply(question, self.server.model.name, result))

    def fill_mask(self, body: Any) -> None:
        assert self.server.pipeline is not None
        try:
            with self.server.lock:
                result = self.server.pipeline(body["inputs"], **body.get("parameters", {}))
        except Exception as error:
            self.reply(400, {"error": [str(error)]})
            return
        self.reply(200, result)

    def misbehave(self) -> None:
        fault = self.server.fault
        if fault == "slow":
            self.server.released.wait(20)
            self.record_disconnect()
        elif fault == "breaks off":
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"version": 2, "mo')
            self.close_connection = True
        elif fault == "no JSON":
            self.reply(200, None, b"<html>It works!</html>")
        elif fault == "another shape":
            self.reply(200, {"version": 2, "model": "x", "answer": {"model": "x", "masks": []}, "words": 5})
        elif fault == "redirects":
            self.reply(307, {}, headers={"Location": self.server.redirect_target + self.path})
        elif fault == "refuses":
            self.reply(401, {"error": f"the token {self.headers.get('Authorization')} is wrong"})
        elif fault == "full":
            self.reply(429, {"error": "full"}, headers={"Retry-After": "1"})
        else:
            self.reply(int(fault), {"error": "said by the server"})

    def record_disconnect(self) -> None:
        self.connection.settimeout(0.5)
        try:
            gone = not self.connection.recv(1)
        except OSError:
            gone = False
        with self.server.lock:
            self.server.disconnects += gone
        self.close_connection = True

    def record(self, body: Any) -> None:
        with self.server.lock:
            self.server.requests.append((self.path, self.headers.get("Authorization"), body))

    def reply(
        self, status: int, value: Any, content: bytes | None = None, headers: dict[str, str] | None = None
    ) -> None:
        content = json.dumps(value).encode() if content is None else content
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, header in (headers or {}).items():
            self.send_header(name, header)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def wait_until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Wait until a condition that another thread changes is true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition is still false"
        time.sleep(0.01)
