"""A shared engine under load, against transformers' pipeline behind a FastAPI route.

    python tests/benchmarks/team.py peer  [MODEL]     requests a second and p95 of both, in turns

Needs the extra ``cluster``. The load comes from this process, on the same machine: it takes its share of the cores.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECONDS = float(os.environ.get("SECONDS_EACH", "10"))
MASK = "[MASK]"
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


def text(number: int) -> str:
    """A passage of some 40 words, no two the same."""
    shuffled = random.Random(number)
    before, after = BEFORE[:], AFTER[:]
    shuffled.shuffle(before)
    shuffled.shuffle(after)
    return f"{number} {' '.join(before)} the {MASK} {' '.join(after)}"


def our_body(number: int, top_k: int = 10) -> bytes:
    passage = text(number)
    start = passage.index(MASK)
    question = {"text": passage, "masks": [[start, start + len(MASK)]], "top_k": top_k}
    return json.dumps({"version": 1, "ask": "rank", "question": question}).encode()


def their_body(number: int) -> bytes:
    return json.dumps({"inputs": text(number), "parameters": {"top_k": 10}}).encode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def process(command: list[str], port: int, path: str, body: bytes) -> Iterator[str]:
    """A server, from its first answer on."""
    import urllib.request

    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as started:
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
def ours(model: str, replicas: int) -> Iterator[str]:
    port = free_port()
    program = str(Path(sys.executable).with_name("fillmask-ls"))
    command = [program, "serve", "--listen", str(port), "--model", model, "--replicas", str(replicas)]
    with process(command, port, "/v1/predict", our_body(0)) as url:
        yield url


@contextmanager
def theirs(model: str) -> Iterator[str]:
    port = free_port()
    with process([sys.executable, "-c", PEER, model, str(port)], port, "/", their_body(0)) as url:
        yield url


@asynccontextmanager
async def client() -> AsyncIterator[Any]:
    from huggingface_hub import get_async_session

    kind: Any = type(get_async_session())
    async with kind(timeout=30, trust_env=False) as made:
        yield made


@dataclass
class Load:
    """What came of it: seconds of each request that was answered, and how many were not."""

    seconds: list[float] = field(default_factory=list)
    shed: int = 0
    lost: int = 0
    cancelled: int = 0
    wall: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.wall

    def quantile(self, share: float) -> float:
        return statistics.quantiles(self.seconds, n=100)[round(share * 100) - 1] if len(self.seconds) > 1 else 0.0


async def send(http: Any, url: str, body: bytes, load: Load) -> None:
    began = time.perf_counter()
    try:
        response = await http.post(url, content=body, headers={"Content-Type": "application/json"})
        if response.status_code == 200:
            load.seconds.append(time.perf_counter() - began)
        elif response.status_code == 429:
            load.shed += 1
        else:
            load.lost += 1
    except asyncio.CancelledError:
        load.cancelled += 1
        raise
    except Exception:
        load.lost += 1


async def closed(url: str, body: Callable[[int], bytes], clients: int) -> Load:
    """Each client asks again as soon as it has its answer."""
    load = Load()
    first = random.randrange(10**6)
    numbers = iter(range(first, first + 10**6))
    end = time.perf_counter() + SECONDS

    async def one(http: Any) -> None:
        while time.perf_counter() < end:
            await send(http, url, body(next(numbers)), load)

    began = time.perf_counter()
    async with client() as http:
        await asyncio.gather(*(one(http) for _ in range(clients)))
    load.wall = time.perf_counter() - began
    return load


def peer(model: str) -> None:
    """Both sides at several numbers of clients, in turns."""
    from fillmask_ls.mlm.checkpoint import resolve

    folder = str(resolve(model).path)
    for turn in (1, 2):
        for name, starting, body in (
            ("ours", lambda: ours(model, 2), our_body),
            ("pipeline behind FastAPI", lambda: theirs(folder), their_body),
        ):
            with starting() as url:
                asyncio.run(closed(url, body, 2))  # to warm up
                for clients in (1, 2, 4, 8, 16, 32):
                    load = asyncio.run(closed(url, body, clients))
                    print(
                        f"{turn} {name:<24} {clients:>3} clients {load.rate:7.1f} a second, p50 {load.quantile(0.5):.3f} s, "
                        f"p95 {load.quantile(0.95):.3f} s, shed {load.shed}, lost {load.lost}, "
                        f"machine's load {os.getloadavg()[0]:.1f}",
                        flush=True,
                    )


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "peer":
        peer(rest[0] if rest else "embedded")
