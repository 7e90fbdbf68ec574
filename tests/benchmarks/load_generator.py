"""A load generator, and the servers that it measures: ours, and transformers' pipeline behind a FastAPI route.

The load comes from this process on the same machine, so it uses some of the cores.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import shlex
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from fillmask_ls.engine import codec
from fillmask_ls.engine.api import PredictQuestion
from wire import SERVER

LETTERS = 5
"""Letters that people type after each mask."""
BETWEEN_LETTERS, BETWEEN_WORDS = 0.15, 0.9
"""Mean seconds between letters, and from the last letter of a word to the next word."""
SECONDS = float(os.environ.get("SECONDS_EACH", "10"))
SERVE_OPTIONS = shlex.split(os.environ.get("SERVE_OPTIONS", ""))
"""Further options of the shared engine, such as ``--workers 2``."""
MASK = "[MASK]"
WORD = "considering"
BEFORE = [
    "war",
    "broke",
    "out",
    "in",
    "april",
    "when",
    "forces",
    "attacked",
    "the",
    "fort",
    "in",
    "the",
    "south",
    "of",
    "the",
    "country",
    ",",
    "just",
    "over",
    "a",
    "month",
    "after",
]
AFTER = [
    "of",
    "the",
    "president",
    ",",
    "who",
    "had",
    "won",
    "the",
    "election",
    "on",
    "a",
    "platform",
    "that",
    "several",
    "states",
    "did",
    "not",
    "want",
    "to",
    "accept",
    ".",
]
PEER = """
import sys, threading, torch, uvicorn
from fastapi import FastAPI
from transformers import pipeline
fill, one = pipeline("fill-mask", model=sys.argv[1], device="cpu"), threading.Lock()
app = FastAPI()
@app.post("/")
def predict(body: dict):
    with one:
        return fill(body["inputs"], **body.get("parameters", {}))
uvicorn.run(app, port=int(sys.argv[2]), log_level="error")
"""


def pauses(dice: random.Random) -> Iterator[float]:
    """Yield the seconds from each letter of a word to the next key."""
    for letter in range(LETTERS):
        yield (BETWEEN_WORDS if letter == LETTERS - 1 else BETWEEN_LETTERS) * dice.uniform(0.7, 1.3)


def text(number: int) -> str:
    """Return a passage of about 40 words, different for each number."""
    shuffled = random.Random(number)
    before, after = BEFORE[:], AFTER[:]
    shuffled.shuffle(before)
    shuffled.shuffle(after)
    return f"{number} {' '.join(before)} the {MASK} {' '.join(after)}"


def question(number: int, prefix: str = "") -> PredictQuestion:
    passage = text(number)
    start = passage.index(MASK)
    return PredictQuestion(passage, ((start, start + len(MASK)),), 10, prefix=prefix)


def our_body(number: int, prefix: str = "") -> bytes:
    return json.dumps(codec.request(question(number, prefix))).encode()


def their_body(number: int) -> bytes:
    return json.dumps({"inputs": text(number), "parameters": {"top_k": 10}}).encode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(command: list[str], port: int, path: str, body: bytes, **environment: str) -> Iterator[str]:
    """Start a server, and yield its URL after its first response."""
    import urllib.request

    environment = {**os.environ, **environment}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as started:
        try:
            url = f"http://127.0.0.1:{port}{path}"
            for _ in range(600):
                with suppress(OSError):
                    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
                    urllib.request.urlopen(request, timeout=20).read()
                    break
                time.sleep(0.3)
            yield url
        finally:
            started.terminate()
            started.wait(60)


@contextmanager
def ours(model: str) -> Iterator[str]:
    port = free_port()
    command = [*SERVER, "serve", "--listen", str(port), "--model", model, *SERVE_OPTIONS]
    with process(command, port, "/v1/predict", our_body(0)) as url:
        yield url


@contextmanager
def theirs(model: str) -> Iterator[str]:
    port = free_port()
    with process([sys.executable, "-c", PEER, model, str(port)], port, "/", their_body(0)) as url:
        yield url


class Client:
    """One persistent connection; a client library would use more of the cores than the server."""

    def __init__(self, url: str) -> None:
        self._host, _, path = url.removeprefix("http://").partition("/")
        self._head = f"POST /{path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes) -> int:
        """Send a request and return the status of the response; cancelling closes the connection."""
        if self._streams is None:
            host, port = self._host.split(":")
            self._streams = await asyncio.open_connection(host, int(port))
        reader, writer = self._streams
        try:
            writer.write(f"{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            [length] = [line.split(b":")[1] for line in head.splitlines() if line.startswith(b"content-length:")]
            await reader.readexactly(int(length))
            return int(head.split(b" ", 2)[1])
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@dataclass
class Load:
    """The outcome of a load: the response times, and the numbers of requests without an answer."""

    seconds: list[float] = field(default_factory=list)
    shed: int = 0
    lost: int = 0
    cancelled: int = 0
    wall: float = 0.0

    @property
    def requests(self) -> int:
        return len(self.seconds) + self.shed + self.lost + self.cancelled

    @property
    def unserved(self) -> float:
        """The share of requests without an answer."""
        return (self.shed + self.lost + self.cancelled) / max(1, self.requests)

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.wall

    def quantile(self, share: float) -> float:
        """Return a quantile of the response times; 0 for fewer than two."""
        return statistics.quantiles(self.seconds, n=100)[round(share * 100) - 1] if len(self.seconds) > 1 else 0.0

    def in_time(self, limit: float) -> float:
        """Return the share of all requests that were answered within ``limit`` seconds."""
        return sum(seconds <= limit for seconds in self.seconds) / max(1, self.requests)

    def __str__(self) -> str:
        return (
            f"{self.rate:7.1f} a second, p50 {self.quantile(0.5):.3f} s, p95 {self.quantile(0.95):.3f} s, "
            f"cancelled {self.cancelled}, shed {self.shed}, lost {self.lost}"
        )


async def send(client: Client, body: bytes, load: Load) -> None:
    began = time.perf_counter()
    try:
        status = await asyncio.wait_for(client.post(body), 30)
        if status == 200:
            load.seconds.append(time.perf_counter() - began)
        elif status == 429:
            load.shed += 1
        else:
            load.lost += 1
    except asyncio.CancelledError:
        load.cancelled += 1
        raise
    except Exception:
        load.lost += 1


async def closed_loop(url: str, body: Callable[[int], bytes], clients: int, pause: float = 0.0) -> Load:
    """Let clients send a request whenever they get a response, at once or after a pause (a closed loop)."""
    load = Load()
    end = time.perf_counter() + SECONDS

    async def one(client: Client) -> None:
        numbers = itertools.count(random.randrange(10**9))
        while time.perf_counter() < end:
            await send(client, body(next(numbers)), load)
            if pause:
                await asyncio.sleep(pause)
        client.close()

    began = time.perf_counter()
    await asyncio.gather(*(one(Client(url)) for _ in range(clients)))
    load.wall = time.perf_counter() - began
    return load


async def typing(url: str, people: int) -> Load:
    """Let people type words after masks; each key cancels the request of the key before."""
    load = Load()
    numbers = itertools.count(random.randrange(10**6))
    end = time.perf_counter() + SECONDS

    async def one(client: Client, dice: random.Random) -> None:
        await asyncio.sleep(dice.uniform(0, BETWEEN_WORDS))
        while time.perf_counter() < end:
            number = next(numbers)
            for letters, pause in enumerate(pauses(dice)):
                task = asyncio.ensure_future(send(client, our_body(number, prefix=WORD[:letters]), load))
                await asyncio.sleep(pause)
                task.cancel()
                await asyncio.wait([task])
        client.close()

    began = time.perf_counter()
    await asyncio.gather(*(one(Client(url), random.Random(person)) for person in range(people)))
    load.wall = time.perf_counter() - began
    return load


@contextmanager
def slow_clients(url: str, number: int) -> Iterator[None]:
    """Run ``slow_clients.py`` in a process of its own."""
    program = Path(__file__).with_name("slow_clients.py")
    with subprocess.Popen([sys.executable, program, url, str(number)], stdout=subprocess.PIPE) as started:
        assert started.stdout
        try:
            started.stdout.readline()
            yield
        finally:
            started.kill()
