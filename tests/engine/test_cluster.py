"""A real Ray Serve on this machine: the same answers, a replica that dies, the end while requests are answered."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace

import psutil
import pytest

from fillmask_ls import MASK, mlm
from fillmask_ls.engine.connection import Address
from fillmask_ls.engine.query import Query, Ranking, ScoreQuery
from fillmask_ls.engine.remote import RemoteEngine
from shared_engine import answer
from wire import SERVER

pytest.importorskip("ray", reason="needs the extra 'cluster'")
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

SECRET = "s3cret-t0ken"
THINGS = ("tea", "soup", "wine", "sand", "time", "gold", "rain", "milk", "paint", "salt")


def question(number: int) -> Query:
    """One of a hundred, no two the same."""
    one, other = THINGS[number % 10], THINGS[number // 10 % 10]
    text = f"She asked for some {one} and was given a cup of {MASK} with {other} in it."
    start = text.index(MASK)
    return Query(text, ((start, start + len(MASK)),), 5)


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of two replicas, and the process that was started for them."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [*SERVER, "serve", "--listen", str(port), "--replicas", "2", "--model", "embedded", "--dtype", "float32"]
    environment = {**os.environ, "FILLMASK_TOKEN": SECRET, "RAY_TMPDIR": str(tmp_path_factory.mktemp("r"))}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    said = next((line for line in process.stdout if line.startswith("serving at ")), "")
    assert f"http://127.0.0.1:{port}" in said
    yield f"http://127.0.0.1:{port}", process
    if process.poll() is None:
        process.terminate()
        process.wait(60)


def replicas(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if "ServeReplica" in " ".join(child.cmdline())
    ]


async def test_the_answers_are_those_of_the_local_engine(
    team: tuple[str, subprocess.Popen[str]], model: mlm.MaskedLM
) -> None:
    engine = RemoteEngine(Address(team[0], SECRET), direct=True)
    asked = replace(question(7), max_pieces=3)
    found, expected = await engine.rank(asked), answer(model, asked)
    words = [(word.text, pytest.approx(word.probability, abs=1e-4)) for word in expected.masks[0].words]
    assert [(word.text, word.probability) for word in found.masks[0].words] == words
    text = ScoreQuery("It was a good day.")
    score = (await engine.score(text)).pseudo_log_likelihood
    assert score == pytest.approx(answer(model, text).pseudo_log_likelihood, abs=1e-4)
    await engine.close()


async def test_when_a_replica_dies_under_load_no_request_is_lost_and_no_answer_wrong(
    team: tuple[str, subprocess.Popen[str]], model: mlm.MaskedLM
) -> None:
    url, process = team
    expected: list[Ranking] = [answer(model, question(number)) for number in range(100)]
    killed = False
    answered = 0

    async def editor(first: int) -> None:
        nonlocal answered
        for number in range(first, first + 100):
            engine = RemoteEngine(Address(url, SECRET), direct=True)  # who remembers nothing
            ranking = await engine.rank(question(number % 100))
            await engine.close()
            words = [(w.text, w.probability) for w in ranking.masks[0].words]
            right = expected[number % 100].masks[0].words
            assert words == [(w.text, pytest.approx(w.probability, abs=1e-4)) for w in right]
            answered += 1

    editing = [asyncio.ensure_future(editor(12 * first)) for first in range(8)]
    while not killed:
        await asyncio.sleep(0.1)
        if answered > 200:
            first, second = replicas(process)
            first.kill()
            killed = True
    await asyncio.gather(*editing)
    assert answered == 800
    assert second.is_running()


async def test_what_was_given_up_is_not_computed(team: tuple[str, subprocess.Popen[str]]) -> None:
    url, process = team
    engine = RemoteEngine(Address(url, SECRET), direct=True)
    await engine.connect()
    asking = [asyncio.ensure_future(engine.rank(replace(question(n), max_pieces=4, top_k=n))) for n in range(10, 100)]
    await asyncio.sleep(0.5)
    assert not all(each.done() for each in asking)
    for each in asking:
        each.cancel()
    await asyncio.sleep(0.3)
    before, since = [sum(each.cpu_times()[:2]) for each in replicas(process)], time.monotonic()
    await asyncio.sleep(0.7)
    used = sum(sum(each.cpu_times()[:2]) for each in replicas(process)) - sum(before)
    await engine.close()
    assert used / (time.monotonic() - since) < 0.5


async def test_at_the_end_all_that_was_asked_is_answered(team: tuple[str, subprocess.Popen[str]]) -> None:
    url, process = team
    engine = RemoteEngine(Address(url, SECRET), direct=True)
    await engine.connect()
    asking = [asyncio.ensure_future(engine.rank(replace(question(n), max_pieces=4, top_k=9))) for n in range(40)]
    await asyncio.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    rankings = await asyncio.gather(*asking)
    assert all(len(ranking.masks[0].words) == 9 for ranking in rankings)
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        await asyncio.sleep(0.1)
    assert process.returncode == 0
    await engine.close()
