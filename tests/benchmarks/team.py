"""A shared engine under load, against transformers' pipeline behind a FastAPI route.

    PYTHONPATH=tests python tests/benchmarks/team.py peer [MODEL]               requests a second and p95, in turns
    PYTHONPATH=tests python tests/benchmarks/team.py editors PICTURE [MODEL]    people who type, and the queue's model

Needs the extras ``cluster`` and ``training`` (for matplotlib). The load comes from this process, on the same machine: it takes its share of the cores.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import ceil

from benchmarks.queueing import BatchCurve, carried, latencies, quantile
from fillmask_ls.mlm.checkpoint import resolve
from wire import SERVER

SECONDS = float(os.environ.get("SECONDS_EACH", "10"))
CLIENTS = (1, 2, 4, 8, 16, 32)
PEOPLE = (5, 10, 20, 30, 40, 60, 100, 200)
GOOD = 0.15
"""Seconds: who types feels no wait."""
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


def our_body(number: int, prefix: str = "") -> bytes:
    passage = text(number)
    start = passage.index(MASK)
    question = {"text": passage, "masks": [[start, start + len(MASK)]], "top_k": 10, "prefix": prefix}
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
    command = [*SERVER, "serve", "--listen", str(port), "--model", model, "--replicas", str(replicas)]
    with process(command, port, "/v1/predict", our_body(0)) as url:
        yield url


@contextmanager
def theirs(model: str) -> Iterator[str]:
    port = free_port()
    with process([sys.executable, "-c", PEER, model, str(port)], port, "/", their_body(0)) as url:
        yield url


class Client:
    """One connection that is used again; a client library would take more of the cores than the server."""

    def __init__(self, url: str) -> None:
        self._host, _, path = url.removeprefix("http://").partition("/")
        self._head = f"POST /{path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes) -> int:
        """The status of the reply; who cancels it hangs up."""
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
    """What came of it: seconds of each request that was answered, and how many were not."""

    seconds: list[float] = field(default_factory=list)
    shed: int = 0
    lost: int = 0
    cancelled: int = 0
    wall: float = 0.0

    @property
    def asked(self) -> int:
        return len(self.seconds) + self.shed + self.lost + self.cancelled

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.wall

    def quantile(self, share: float) -> float:
        return quantile(self.seconds, share)

    def __str__(self) -> str:
        return (
            f"{self.rate:7.1f} a second, p50 {self.quantile(0.5):.3f} s, p95 {self.quantile(0.95):.3f} s, "
            f"given up {self.cancelled}, shed {self.shed}, lost {self.lost}"
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


async def closed(url: str, body: Callable[[int], bytes], clients: int) -> Load:
    """Each client asks again as soon as it has its answer."""
    load = Load()
    end = time.perf_counter() + SECONDS

    async def one(client: Client) -> None:
        numbers = itertools.count(random.randrange(10**9))
        while time.perf_counter() < end:
            await send(client, body(next(numbers)), load)
        client.close()

    began = time.perf_counter()
    await asyncio.gather(*(one(Client(url)) for _ in range(clients)))
    load.wall = time.perf_counter() - began
    return load


WORD = "considering"
LETTERS = 5
BETWEEN_LETTERS, BETWEEN_WORDS = 0.15, 0.9
"""Seconds: five letters of a word are typed behind each mask."""
PER_EDITOR = LETTERS / ((LETTERS - 1) * BETWEEN_LETTERS + BETWEEN_WORDS)
"""Requests a second."""


def typed_body(number: int) -> bytes:
    """One request of those that come with a word."""
    return our_body(number // LETTERS, WORD[: number % LETTERS])


async def typing(url: str, editors: int) -> Load:
    """People who each type a word behind a mask, and then go on to the next; each key gives up what the last one asked."""
    load = Load()
    numbers = itertools.count(random.randrange(10**6))
    end = time.perf_counter() + SECONDS

    async def one(client: Client, dice: random.Random) -> None:
        await asyncio.sleep(dice.uniform(0, BETWEEN_WORDS))
        while time.perf_counter() < end:
            number = next(numbers)
            for letters in range(LETTERS):
                pause = BETWEEN_WORDS if letters == LETTERS - 1 else BETWEEN_LETTERS
                asked = asyncio.ensure_future(send(client, our_body(number, prefix=WORD[:letters]), load))
                await asyncio.sleep(pause * dice.uniform(0.7, 1.3))
                asked.cancel()
                await asyncio.wait([asked])
        client.close()

    began = time.perf_counter()
    await asyncio.gather(*(one(Client(url), random.Random(editor)) for editor in range(editors)))
    load.wall = time.perf_counter() - began
    return load


def peer(model: str) -> None:
    """Both sides at several numbers of clients, in turns."""
    folder = str(resolve(model).path)
    for turn in (1, 2, 3):
        for name, starting, body in (
            ("ours", lambda: ours(model, 2), our_body),
            ("pipeline behind FastAPI", lambda: theirs(folder), their_body),
        ):
            with starting() as url:
                asyncio.run(closed(url, body, 2))  # to warm up
                for clients in (1, 2, 4, 8, 16, 32):
                    print(
                        f"{turn} {name:<24} {clients:>3} clients {asyncio.run(closed(url, body, clients))}", flush=True
                    )


def editors(model: str, picture: str) -> None:
    """How many people who type are served well by this machine, and what the model of the queue says of it."""
    with ours(model, 1) as url:
        asyncio.run(closed(url, typed_body, 4))
        curve = BatchCurve({n: n / asyncio.run(closed(url, typed_body, n)).rate for n in CLIENTS})
        print("batch curve, ms:", {n: round(1000 * seconds, 1) for n, seconds in curve.seconds.items()})
        loads = {}
        for people in PEOPLE:
            loads[people] = asyncio.run(typing(url, people))
            came = loads[people].asked / loads[people].wall
            expected = latencies(curve, came)
            print(
                f"{people:>4} editors, {came:6.1f} requests a second: {loads[people]}; "
                f"the model: p50 {quantile(expected, 0.5):.3f} s, p95 {quantile(expected, 0.95):.3f} s",
                flush=True,
            )
    rate = carried(curve, GOOD)
    print(f"a replica carries {rate:.0f} requests a second with p95 below {GOOD} s")
    for people in (1_000, 100_000):
        print(f"{people} editors that all type: {ceil(people * PER_EDITOR / rate)} replicas")
    draw(loads, picture)


def draw(loads: Mapping[int, Load], picture: str) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for share in (0.5, 0.95):
        milliseconds = [1000 * load.quantile(share) for load in loads.values()]
        axes.plot(list(loads), milliseconds, marker="o", label=f"p{100 * share:.0f} of what was answered")
    axes.axhline(1000 * GOOD, color="gray", linestyle="--", label=f"{1000 * GOOD:.0f} ms")
    axes.set(xlabel="people typing at once", ylabel="milliseconds", yscale="log")
    unserved = axes.twinx()
    shares = [100 * (load.shed + load.lost + load.cancelled) / load.asked for load in loads.values()]
    unserved.plot(list(loads), shares, color="tab:red", marker=".", label="given up or sent away")
    unserved.set(ylabel="% of requests", ylim=(0, 100))
    axes.grid(visible=True, alpha=0.3)
    figure.legend(loc="outside upper center", ncols=2)
    figure.savefig(picture)


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "peer":
        peer(rest[0] if rest else "embedded")
    else:
        editors(rest[1] if rest[1:] else "embedded", rest[0])
