"""Attacks on the installed ``fillmask-ls serve``, over the network and by signals.

The quick form takes seconds; ``-m long`` repeats it for ``FILLMASK_ATTACK_SECONDS`` (two hours by default).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from random import Random
from typing import Any

import psutil
import pytest

from fillmask_ls import mlm
from fillmask_ls.engine import codec
from fillmask_ls.engine.api import FillQuestion, PredictQuestion, ScoreQuestion, SurprisalQuestion
from fillmask_ls.words import find_masks
from raw_http import Connection, Peer, head, post
from reliability.campaign import resident_memory, seeded
from wire import SERVER

pytestmark = [pytest.mark.skipif(os.name != "posix", reason="signals of a POSIX system"), pytest.mark.timeout(120)]

SECRET = "s3cret-t0ken"
RIGHT = f"Authorization: Bearer {SECRET}"
TEXT = "The man was taken to the [MASK] by ambulance."
SECONDS = float(os.environ.get("FILLMASK_ATTACK_SECONDS", "7200"))
HEALTH_LIMIT = float(os.environ.get("FILLMASK_HEALTH_SECONDS", "0.1"))
"""Seconds in which ``/healthz`` answers throughout the long campaign."""


@contextmanager
def program(*options: str) -> Iterator[tuple[Peer, psutil.Process]]:
    """Start the program at a free port."""
    environment = {**os.environ, "FILLMASK_TOKEN": SECRET}
    command = [*SERVER, "serve", "--listen", "0", "--model", "embedded", *options]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout
        try:
            said = started.stdout.readline()
            assert said.startswith("serving embedded (token needed) at http://")
            yield Peer("127.0.0.1", int(said.rpartition(":")[2])), psutil.Process(started.pid)
        finally:
            if started.poll() is None:
                started.kill()


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Peer, psutil.Process]]:
    with program() as started:
        yield started


@pytest.mark.process
async def test_one_process_listens_at_one_socket_on_loopback(served: tuple[Peer, psutil.Process]) -> None:
    peer, process = served
    assert await predicts(peer)
    assert process.children(recursive=True) == []
    assert [tuple(each.laddr) for each in listening(process)] == [("127.0.0.1", peer.port)]


async def predicts(peer: Peer, number: int = 0) -> bool:
    """Return whether the answer to a question is right."""
    question = question_of(f"On day {number} the man was taken to the [MASK] by ambulance.")
    response = await peer.post("/v1/predict", codec.request(question), RIGHT)
    if response.status != 200:
        return False
    _, predictions = codec.read_reply(question, response.value)
    return any("hospital" in candidate.text for candidate in predictions.predictions[0].candidates)


def question_of(text: str, **more: Any) -> PredictQuestion:
    return PredictQuestion(text, tuple(find_masks(text)), **{"top_k": 5, **more})


def mask_text(masks: int, words: int = 1) -> str:
    return ("[MASK] " + "word " * words) * masks


def fill_question(masks: int) -> FillQuestion:
    text = mask_text(masks)
    return FillQuestion(text, tuple(find_masks(text)), 5)


def values(dice: Random) -> Any:
    """Return a value of any type."""
    return dice.choice([None, True, -1, 10**30, 0.5, float("nan"), "", "\ud800", "x" * 5000, [], [[]], {}, {"a": 1}])


def wrong_field(dice: Random) -> bytes:
    """Return a request by one of the protocols with a wrong value in one field."""
    path, body = dice.choice(
        [
            ("/v1/predict", codec.request(question_of(TEXT))),
            ("/v1/predict", codec.request(fill_question(2))),
            ("/v1/predict", codec.request(SurprisalQuestion("A text.", 2, ((0, 2),)))),
            ("/v1/score", {"text": "A text.", "metric": "original"}),
            ("/", {"inputs": TEXT, "parameters": {"top_k": 5, "targets": ["tea"]}}),
        ]
    )
    body = json.loads(json.dumps(body))
    holder = dice.choice([body, *(value for value in body.values() if isinstance(value, dict))])
    holder[dice.choice(list(holder))] = values(dice)
    return post(path, body, RIGHT)


REQUESTS: dict[str, Callable[[Random], bytes]] = {
    "wrong field": wrong_field,
    "2,500 masks": lambda _: post("/", {"inputs": mask_text(2500), "parameters": {"targets": ["x"]}}, RIGHT),
    "3,000 texts": lambda _: post("/", {"inputs": [TEXT] * 3000}, RIGHT),
    "large body": lambda _: head("POST / HTTP/1.1", "Content-Length: 300000000", RIGHT),
    "false length": lambda _: head("POST / HTTP/1.1", "Content-Length: 99999999999999999999999", RIGHT),
    "short length": lambda _: head("POST /v1/score HTTP/1.1", "Content-Length: 3", RIGHT) + b'{"text": "a"}',
    "gzip": lambda _: post("/", b"\x1f\x8b\x08" + b"\x00" * 100, "Content-Encoding: gzip", RIGHT),
    "chunked": lambda _: head("POST / HTTP/1.1", "Transfer-Encoding: chunked", RIGHT) + b"2\r\n{}\r\n0\r\n\r\n",
    "wrong chunks": lambda _: head("POST / HTTP/1.1", "Transfer-Encoding: chunked", RIGHT) + b"zz\r\n{}\r\n",
    "two lengths": lambda _: head("POST / HTTP/1.1", "Content-Length: 2", "Content-Length: 3", RIGHT) + b"{}",
    "both lengths": lambda _: head("POST / HTTP/1.1", "Content-Length: 2", "Transfer-Encoding: chunked", RIGHT),
    "pipelined": lambda _: post("/v1/score", {"text": "A day."}, RIGHT) * 20,
    "HTTP/1.0": lambda _: post("/v1/score", {"text": "A day."}, RIGHT, version="1.0"),
    "HTTP/2": lambda _: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "deep": lambda _: post("/", b"[" * 100_000, RIGHT),
    "no JSON": lambda dice: post("/", dice.randbytes(1000), RIGHT),
    "random": lambda dice: dice.randbytes(3000) + b"\r\n\r\n",
    "foreign host": lambda _: post("/", {"inputs": TEXT}, RIGHT, host="evil.example"),
    "origin": lambda _: post("/", {"inputs": TEXT}, RIGHT, "Origin: https://evil.example"),
    "no token": lambda _: post("/", {"inputs": TEXT}),
    "two tokens": lambda _: post("/", {"inputs": TEXT}, RIGHT, RIGHT),
    "many headers": lambda _: post("/", {"inputs": TEXT}, RIGHT, *(f"X-{number}: y" for number in range(100))),
    "long prefix": lambda _: post("/v1/predict", codec.request(question_of(TEXT, prefix="x" * 200_000)), RIGHT),
    "path": lambda dice: head(f"GET /{'../' * dice.randrange(9)}etc/passwd HTTP/1.1", RIGHT),
}
"""Requests that are answered or refused in words."""


@pytest.mark.process
async def test_targets_by_the_hubs_protocol_have_their_probability_over_the_vocabulary(
    served: tuple[Peer, psutil.Process], model: mlm.MaskedLM
) -> None:
    peer, _ = served
    response = await peer.post("/", {"inputs": TEXT, "parameters": {"targets": ["hospital", "clinic"]}}, RIGHT)
    expected = {target.text: target.probability for target in model.cloze(TEXT, ["hospital", "clinic"])}
    scores = {each["token_str"]: each["score"] for each in response.value}
    assert scores == pytest.approx(expected, rel=0.1)  # the program may compute in bfloat16
    assert sum(scores.values()) < 0.9


EXPENSIVE: list[Callable[[], Any]] = [
    lambda: codec.request(ScoreQuestion("word " * 4000)),
    lambda: codec.request(fill_question(60)),
    lambda: codec.request(SurprisalQuestion("The day is long. " * 10, 500)),
]


@pytest.mark.process
@pytest.mark.parametrize("name", REQUESTS)
async def test_every_request_is_answered_or_refused_in_words(served: tuple[Peer, psutil.Process], name: str) -> None:
    peer, _ = served
    dice = seeded(1)
    for _ in range(60 if name == "wrong field" else 1):
        await check_answer(peer, REQUESTS[name](dice))
    assert await predicts(peer)


async def check_answer(peer: Peer, request: bytes) -> None:
    response = await peer.exchange(request)
    assert 200 <= response.status < 500, response
    assert response.body
    if response.status >= 400 and response.headers["content-type"] == "application/json":
        assert isinstance(response.value["error"], str)


@pytest.mark.process
async def test_cheap_questions_are_answered_while_expensive_ones_are_computed(
    served: tuple[Peer, psutil.Process],
) -> None:
    peer, process = served
    connections = [await peer.connect() for _ in range(2)]
    for connection, body in zip(connections, EXPENSIVE, strict=False):
        await connection.send(post("/v1/predict", body(), RIGHT))
    while await waiting(peer) < 2:
        pass
    for number in range(5):
        assert await predicts(peer, number)
    assert await waiting(peer) >= 1, "the expensive questions were answered too soon to prove anything"
    for connection in connections:
        connection.close()
    while await waiting(peer):  # they are given up
        pass
    assert await predicts(peer)
    assert resident_memory(process.pid) < 1.5e9


CLIENT = """
import socket, sys, time
connection = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
connection.sendall(sys.stdin.buffer.read())
time.sleep(600)
"""


@pytest.mark.process
async def test_question_of_a_killed_client_is_given_up(served: tuple[Peer, psutil.Process]) -> None:
    peer, _ = served
    client = await asyncio.create_subprocess_exec(sys.executable, "-c", CLIENT, str(peer.port), stdin=subprocess.PIPE)
    communication = asyncio.create_task(client.communicate(post("/v1/predict", EXPENSIVE[0](), RIGHT)))
    while not await waiting(peer):
        assert client.returncode is None
    client.kill()
    await communication
    while await waiting(peer):
        pass
    assert await predicts(peer)


async def waiting(peer: Peer) -> int:
    """Return the number of questions that wait for their answers."""
    lines = (await peer.get("/metrics", RIGHT)).body.decode().splitlines()
    [value] = [line.split()[1] for line in lines if line.startswith("fillmask_waiting_requests ")]
    return int(value)


@pytest.mark.process
async def test_slow_clients_keep_nobody_out(served: tuple[Peer, psutil.Process]) -> None:
    peer, process = served
    slow = [await open_slowly(peer, number) for number in range(600)]
    for number in range(3):
        assert await predicts(peer, number)
    assert resident_memory(process.pid) < 1.5e9
    for connection in slow:
        connection.close()


async def open_slowly(peer: Peer, number: int) -> Connection:
    """Connect from another address of this machine, and send a part of a request."""
    connection = await peer.connect(f"127.0.{1 + number % 4}.1" if sys.platform == "linux" else None)
    begun = [b"POST /v1/predict HTT", head("POST /v1/predict HTTP/1.1", "Content-Length: 500", RIGHT) + b"{", b""]
    await connection.send(begun[number % 3])
    return connection


@pytest.mark.process
async def test_pending_questions_are_answered_at_sigterm_and_nothing_is_left() -> None:
    with program() as (peer, process):
        assert await predicts(peer)
        connections = [await peer.connect() for _ in range(20)]
        for number, connection in enumerate(connections):
            await connection.send(post("/v1/predict", codec.request(question_of(f"{number} {TEXT}")), RIGHT))
        while await waiting(peer) < 10:
            pass
        process.send_signal(signal.SIGTERM)
        statuses = [(await connection.response()).status for connection in connections]
        assert set(statuses) <= {200, 429}
        assert statuses.count(200) >= 5
        assert await asyncio.to_thread(process.wait, 60) == 0
        with pytest.raises(ConnectionError):
            await peer.connect()


@pytest.mark.process
async def test_killed_program_leaves_nothing_and_its_port_can_be_used_again() -> None:
    with program() as (peer, process):
        connection = await peer.connect()
        await connection.send(post("/v1/predict", EXPENSIVE[0](), RIGHT))
        process.kill()
        await asyncio.to_thread(process.wait, 60)
        await connection.wait_until_closed()
        with program("--listen", str(peer.port)) as (again, _):
            assert again.port == peer.port
            assert await predicts(again)


@pytest.mark.process
async def test_killed_worker_is_replaced_and_killed_parent_takes_its_workers_along() -> None:
    with program("--workers", "2") as (peer, process):
        first, second = workers_of(process)
        assert {each.laddr.port for each in listening(first) + listening(second)} == {peer.port}
        first.kill()
        while {each.pid for each in workers_of(process)} <= {second.pid}:
            assert await predicts(peer)
        others = workers_of(process)
        process.kill()
        await asyncio.to_thread(psutil.wait_procs, [process, *others], 60)
        assert not any(each.is_running() for each in others)
        with socket.create_server(("127.0.0.1", peer.port)):
            pass


@pytest.mark.process
async def test_workers_answer_together_and_end_at_sigterm() -> None:
    with program("--workers", "2") as (peer, process):
        assert all(await asyncio.gather(*(predicts(peer, number) for number in range(20))))
        answered: set[str] = set()
        while answered != {"1", "2"}:
            answered |= set(re.findall(r'worker="(\d)"', (await peer.get("/metrics", RIGHT)).body.decode()))
        workers = workers_of(process)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 60) == 0
        assert not any(each.is_running() for each in workers)


def workers_of(process: psutil.Process) -> list[psutil.Process]:
    """Return the processes that serve; multiprocessing adds one that watches its resources."""
    workers = []
    for child in process.children():
        with suppress(psutil.NoSuchProcess):  # or it has just ended
            if "spawn_main" in " ".join(child.cmdline()):
                workers.append(child)
    return workers


def listening(process: psutil.Process) -> list[Any]:
    """Return the sockets at which a process listens."""
    return [each for each in process.net_connections() if each.status == psutil.CONN_LISTEN]


@pytest.mark.long
@pytest.mark.timeout(0)
async def test_attacks_of_two_hours() -> None:
    """Every answer is right or a refusal, the health check is quick, and memory is bounded, whatever comes."""
    dice, numbers = seeded(2), count()
    end = time.monotonic() + SECONDS
    slowest = 0.0
    with program() as (peer, process):

        async def attack() -> None:
            while time.monotonic() < end:
                await check_answer(peer, REQUESTS[dice.choice(list(REQUESTS))](dice))

        async def abandon() -> None:
            while time.monotonic() < end:
                connection = await peer.connect()
                await connection.send(post("/v1/predict", dice.choice(EXPENSIVE)(), RIGHT))
                await asyncio.sleep(dice.uniform(0, 2))
                connection.close()

        async def dawdle(number: int) -> None:
            while time.monotonic() < end:
                with suppress(OSError):
                    await (await open_slowly(peer, number)).wait_until_closed()

        async def use() -> None:
            while time.monotonic() < end:
                answered = await predicts(peer, next(numbers))
                assert answered or await waiting(peer)

        async def watch() -> None:
            nonlocal slowest
            while time.monotonic() < end:
                began = time.perf_counter()
                assert (await peer.get("/healthz")).status == 200
                slowest = max(slowest, time.perf_counter() - began)
                assert resident_memory(process.pid) < 1.5e9
                await asyncio.sleep(0.5)

        attackers = [attack(), attack(), abandon(), use(), use(), watch(), *(dawdle(number) for number in range(300))]
        await asyncio.gather(*attackers)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 60) == 0
    print(f"slowest health check: {1000 * slowest:.0f} ms")
    assert slowest < HEALTH_LIMIT
