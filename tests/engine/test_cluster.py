"""A shared engine on Ray Serve: answers, a killed replica, shutdown under load, and joining a Ray cluster."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from fillmask_ls import MASK, mlm
from fillmask_ls.engine.api import Predictions, PredictQuestion, ScoreQuestion
from fillmask_ls.engine.http_client import Address
from fillmask_ls.engine.remote import RemoteEngine
from shared_engine import answer
from wire import SERVER

pytest.importorskip("ray", reason="needs the extra 'cluster'")
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(400)]

SECRET = "s3cret-t0ken"
THINGS = ("tea", "soup", "wine", "sand", "time", "gold", "rain", "milk", "paint", "salt")


def question(number: int) -> PredictQuestion:
    """Return one of a hundred different questions."""
    one, other = THINGS[number % 10], THINGS[number // 10 % 10]
    text = f"She asked for some {one} and was given a cup of {MASK} with {other} in it."
    start = text.index(MASK)
    return PredictQuestion(text, ((start, start + len(MASK)),), 5)


@pytest.fixture(scope="module")
def two_replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address of a shared engine with two replicas, and its process."""
    with serving("--replicas", "2", "--dtype", "float32", RAY_TMPDIR=str(tmp_path_factory.mktemp("r"))) as served:
        yield served


@contextmanager
def serving(*options: str, **environment: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    port = free_port()
    command = [*SERVER, "serve", "--listen", str(port), "--model", "embedded", *options]
    environment = {**os.environ, "FILLMASK_TOKEN": SECRET, **environment}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        said = next((line for line in process.stdout if line.startswith("serving at ")), "")
        assert f"http://127.0.0.1:{port}" in said
        yield f"http://127.0.0.1:{port}", process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(90)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def replicas(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if "ServeReplica" in " ".join(child.cmdline())
    ]


async def test_shared_answers_equal_local_ones(
    two_replicas: tuple[str, subprocess.Popen[str]], model: mlm.MaskedLM
) -> None:
    engine = RemoteEngine(Address(two_replicas[0], SECRET), bypass_proxy=True)
    searched = replace(question(7), max_subwords=3)
    actual, expected = await engine.predict(searched), answer(model, searched)
    words = [(word.text, pytest.approx(word.probability, abs=1e-4)) for word in expected.predictions[0].candidates]
    assert [(word.text, word.probability) for word in actual.predictions[0].candidates] == words
    text = ScoreQuestion("It was a good day.")
    score = (await engine.score(text)).pseudo_log_likelihood
    assert score == pytest.approx(answer(model, text).pseudo_log_likelihood, abs=1e-4)
    await engine.close()


async def test_killed_replica_loses_no_request(
    two_replicas: tuple[str, subprocess.Popen[str]], model: mlm.MaskedLM
) -> None:
    url, process = two_replicas
    expected: list[Predictions] = [answer(model, question(number)) for number in range(100)]
    killed = False
    answered = 0

    async def client(first: int) -> None:
        nonlocal answered
        for number in range(first, first + 100):
            engine = RemoteEngine(Address(url, SECRET), bypass_proxy=True)  # without a cache
            ranking = await engine.predict(question(number % 100))
            await engine.close()
            words = [(w.text, w.probability) for w in ranking.predictions[0].candidates]
            candidates = expected[number % 100].predictions[0].candidates
            assert words == [(w.text, pytest.approx(w.probability, abs=1e-4)) for w in candidates]
            answered += 1

    clients = [asyncio.ensure_future(client(12 * first)) for first in range(8)]
    while not killed:
        await asyncio.sleep(0.1)
        if answered > 200:
            first, second = replicas(process)
            first.kill()
            killed = True
    await asyncio.gather(*clients)
    assert answered == 800
    assert second.is_running()


async def test_cancelled_questions_are_not_computed(two_replicas: tuple[str, subprocess.Popen[str]]) -> None:
    url, process = two_replicas
    engine = RemoteEngine(Address(url, SECRET), bypass_proxy=True)
    await engine.connect()
    tasks = [
        asyncio.ensure_future(engine.predict(replace(question(n), max_subwords=4, top_k=n))) for n in range(10, 100)
    ]
    await asyncio.sleep(0.5)
    assert not all(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    await asyncio.sleep(0.3)
    before, since = [sum(each.cpu_times()[:2]) for each in replicas(process)], time.monotonic()
    await asyncio.sleep(0.7)
    used = sum(sum(each.cpu_times()[:2]) for each in replicas(process)) - sum(before)
    await engine.close()
    assert used / (time.monotonic() - since) < 0.5


async def test_pending_questions_are_answered_at_shutdown(two_replicas: tuple[str, subprocess.Popen[str]]) -> None:
    url, process = two_replicas
    engine = RemoteEngine(Address(url, SECRET), bypass_proxy=True)
    await engine.connect()
    tasks = [asyncio.ensure_future(engine.predict(replace(question(n), max_subwords=4, top_k=9))) for n in range(40)]
    await asyncio.sleep(0.3)
    process.send_signal(signal.SIGTERM)
    rankings = await asyncio.gather(*tasks)
    assert all(len(ranking.predictions[0].candidates) == 9 for ranking in rankings)
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        await asyncio.sleep(0.1)
    assert process.returncode == 0
    await engine.close()


class Cluster:
    """A Ray cluster of one node with two cores.

    Attributes:
        environment: the variables that a program needs to join it.
        metrics: the address of its metrics.
    """

    def __init__(self, folder: Path) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        ports = [free_port(), free_port()]
        self.metrics = f"http://127.0.0.1:{ports[0]}/metrics"
        self.environment = {"RAY_TMPDIR": str(folder), "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "5ecre7" * 8}
        ray = shutil.which("ray", path=sysconfig.get_path("scripts"))
        assert ray
        command = [ray, "start", "--head", "--block", "--num-cpus=2", "--include-dashboard=false"]
        command += [f"--port={self.address.rpartition(':')[2]}", f"--metrics-export-port={ports[0]}"]
        command += [f"--dashboard-agent-listen-port={ports[1]}", "--disable-usage-stats"]
        self.process = subprocess.Popen(
            command, env={**os.environ, **self.environment}, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        assert any("Ray runtime started" in line for line in self.process.stdout)

    def run(self, program: str) -> str:
        """Run a program on the cluster and return what it prints."""
        environment = {**os.environ, **self.environment, "RAY_ADDRESS": self.address}
        return subprocess.run(
            [sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True, timeout=120
        ).stdout


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    started = Cluster(tmp_path_factory.mktemp("c"))
    yield started
    started.process.terminate()
    started.process.wait(60)


OTHER_APPLICATION = """
import ray
from ray import serve
ray.init(log_to_driver=False)
serve.run(serve.deployment(lambda request: "still here").options(ray_actor_options={"num_cpus": 0}).bind(), name="another", route_prefix="/another")
"""
APPLICATIONS = """
import ray
from ray import serve
ray.init(log_to_driver=False)
print(*serve.status().applications)
"""


async def test_other_applications_of_a_cluster_keep_running(cluster: Cluster) -> None:
    with serving("--address", cluster.address, **cluster.environment) as (url, process):
        engine = RemoteEngine(Address(url, SECRET), bypass_proxy=True)
        assert len((await engine.predict(question(1))).predictions[0].candidates) == 5
        await engine.close()
        cluster.run(OTHER_APPLICATION)
        assert get(f"{url}/another") == "still here"
        while "ray_serve_num_http_requests_total" not in get(cluster.metrics):
            await asyncio.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert cluster.run(APPLICATIONS).split() == ["another"]
    assert get(f"{url}/another") == "still here"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(f"{url}/healthz")
    cluster.run("import ray\nfrom ray import serve\nray.init()\nserve.shutdown()")


async def test_number_of_replicas_follows_the_load(cluster: Cluster) -> None:
    def running() -> list[psutil.Process]:
        return replicas(cluster.process)  # type: ignore[arg-type]

    with serving("--address", "auto", "--replicas", "1-2", **cluster.environment) as (url, process):
        assert len(running()) == 1
        engine, number, answered = RemoteEngine(Address(url, SECRET), bypass_proxy=True), itertools.count(), 0
        await engine.connect()

        async def client() -> None:
            nonlocal answered
            while len(running()) < 2 or answered < 500:
                text = f"{next(number)} cups of {MASK} with {THINGS[answered % 10]} in it."
                start = text.index(MASK)
                await engine.predict(PredictQuestion(text, ((start, start + len(MASK)),), 5))
                answered += 1

        await asyncio.wait_for(asyncio.gather(*(client() for _ in range(16))), 120)
        until = time.monotonic() + 240
        while len(running()) > 1 and time.monotonic() < until:
            await asyncio.sleep(1)
            await engine.predict(question(next(number)))
        assert len(running()) == 1
        await engine.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_missing_cluster_is_an_error() -> None:
    address = f"127.0.0.1:{free_port()}"
    command = [*SERVER, "serve", "--address", address, "--model", "embedded"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert f"no Ray cluster at {address}" in result.stderr


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        return str(response.read().decode())
