"""A shared engine on a Ray cluster: answers, a killed replica, shutdown under load, and clusters without tokens."""

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
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from fillmask_ls import MASK, mlm
from fillmask_ls.engine import codec
from fillmask_ls.engine.api import Predictions, PredictQuestion, ScoreQuestion
from fillmask_ls.engine.http_client import Address, UnavailableError
from fillmask_ls.engine.remote import RemoteEngine
from raw_http import Peer, post
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


class Cluster:
    """A Ray cluster of one node with two cores.

    Attributes:
        environment: the variables that a program needs to join it.
        metrics: the address of its metrics.
    """

    def __init__(self, folder: Path, *, token: bool = True) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        ports = [free_port(), free_port()]
        self.metrics = f"http://127.0.0.1:{ports[0]}/metrics"
        self.environment = {"RAY_TMPDIR": str(folder), "RAY_AUTH_MODE": "token" if token else "disabled"}
        if token:
            self.environment["RAY_AUTH_TOKEN"] = "5ecre7" * 8
        ray = shutil.which("ray", path=sysconfig.get_path("scripts"))
        assert ray
        command = [ray, "start", "--head", "--block", "--node-ip-address=127.0.0.1", "--num-cpus=2"]
        command += ["--include-dashboard=false"]
        command += [f"--port={self.address.rpartition(':')[2]}", f"--metrics-export-port={ports[0]}"]
        command += [f"--dashboard-agent-listen-port={ports[1]}", "--disable-usage-stats"]
        self.process = subprocess.Popen(
            command, env={**os.environ, **self.environment}, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout
        assert any("Ray runtime started" in line for line in self.process.stdout)

    @property
    def replicas(self) -> list[psutil.Process]:
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if "ServeReplica" in " ".join(child.cmdline())]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)

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
    started.stop()


@pytest.fixture(scope="module")
def two_replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Cluster]]:
    """The address of a shared engine with two replicas, and its cluster, whose proxy has one port for all applications."""
    cluster = Cluster(tmp_path_factory.mktemp("r"))
    with serving(cluster, "--replicas", "2") as (url, _):
        yield url, cluster
    cluster.stop()


@contextmanager
def serving(cluster: Cluster, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve on a cluster; yield the address of its proxy, and the process that deployed."""
    port = free_port()
    command = [
        *SERVER,
        "serve",
        "--ray",
        cluster.address,
        "--listen",
        str(port),
        "--model",
        "embedded",
        "--dtype",
        "float32",
        *options,
    ]
    environment = {**os.environ, **cluster.environment, "FILLMASK_TOKEN": SECRET}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        said = next((line for line in process.stdout if line.startswith("serving ")), "")
        assert said == f"serving embedded (token needed) at http://127.0.0.1:{port}\n"
        yield f"http://127.0.0.1:{port}", process
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(90)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_shared_answers_equal_local_ones(two_replicas: tuple[str, Cluster], model: mlm.MaskedLM) -> None:
    engine = RemoteEngine(Address(two_replicas[0], SECRET), bypass_proxy=True)
    searched = replace(question(7), max_subwords=3)
    actual, expected = await engine.predict(searched), answer(model, searched)
    words = [(word.text, pytest.approx(word.probability, abs=1e-3)) for word in expected.predictions[0].candidates]
    assert [(word.text, word.probability) for word in actual.predictions[0].candidates] == words
    text = ScoreQuestion("It was a good day.")
    score = (await engine.answer(text)).pseudo_log_likelihood
    assert score == pytest.approx(answer(model, text).pseudo_log_likelihood, abs=1e-3)
    await engine.close()


async def ask_until_admitted(url: str, asked: PredictQuestion) -> Predictions:
    """Ask an engine without a cache, again while it is overloaded: one replica is slower than two."""
    engine = RemoteEngine(Address(url, SECRET), bypass_proxy=True)
    try:
        while True:
            try:
                return await engine.predict(asked)
            except UnavailableError as error:  # noqa: PERF203
                if error.retry_after is None:
                    raise
    finally:
        await engine.close()


async def test_killed_replica_loses_no_request(two_replicas: tuple[str, Cluster], model: mlm.MaskedLM) -> None:
    url, cluster = two_replicas
    expected: list[Predictions] = [answer(model, question(number)) for number in range(100)]
    killed: list[psutil.Process] = []
    answered = itertools.count(1)
    kept, *others = cluster.replicas

    async def client(first: int) -> None:
        for number in range(first, first + 60):
            ranking = await ask_until_admitted(url, question(number % 100))
            words = [(w.text, w.probability) for w in ranking.predictions[0].candidates]
            candidates = expected[number % 100].predictions[0].candidates
            assert words == [(w.text, pytest.approx(w.probability, abs=1e-3)) for w in candidates]
            if next(answered) == 100:
                for other in others:
                    other.kill()
                    killed.append(other)

    await asyncio.gather(*(client(12 * first) for first in range(8)))
    assert len(killed) == 1
    assert next(answered) == 8 * 60 + 1
    assert kept.is_running()


async def test_pending_questions_are_answered_at_shutdown(cluster: Cluster) -> None:
    with serving(cluster) as (url, process):
        engine = RemoteEngine(Address(url, SECRET), bypass_proxy=True)
        await engine.connect()
        searched = [replace(question(n), prefix="c", max_subwords=4, top_k=9) for n in range(8)]
        tasks = [asyncio.ensure_future(engine.predict(each)) for each in searched]
        peer, right = Peer("127.0.0.1", int(url.rpartition(":")[2])), f"Authorization: Bearer {SECRET}"
        arrived = f"fillmask_waiting_requests {len(tasks)}\n"
        while arrived not in (await peer.get("/metrics", right)).body.decode():
            pass
        process.send_signal(signal.SIGTERM)
        rankings = await asyncio.gather(*tasks)
        assert all(ranking.predictions[0].candidates for ranking in rankings)
        assert await asyncio.to_thread(process.wait, 60) == 0
        await engine.close()


async def test_front_door_stands_before_each_replica(two_replicas: tuple[str, Cluster]) -> None:
    url, _ = two_replicas
    peer = Peer("127.0.0.1", int(url.rpartition(":")[2]))
    body = codec.request(question(1))
    right = f"Authorization: Bearer {SECRET}"
    assert (await peer.post("/v1/predict", body, right)).status == 200
    assert (await peer.post("/v1/predict", body)).status == 401
    assert (await peer.post("/v1/predict", body, right, "Origin: https://evil.example")).status == 403
    assert (await peer.exchange(post("/v1/predict", body, right, host="evil.example"))).status == 403
    assert (await peer.post("/v1/predict", b" " * 300_000, right)).status == 413


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
    with serving(cluster) as (url, process):
        engine = RemoteEngine(Address(url, SECRET), bypass_proxy=True)
        assert len((await engine.predict(question(1))).predictions[0].candidates) == 5
        await engine.close()
        cluster.run(OTHER_APPLICATION)
        assert get(f"{url}/another") == "still here"
        while "ray_serve_num_http_requests_total" not in get(cluster.metrics):
            pass
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert cluster.run(APPLICATIONS).split() == ["another"]
    assert get(f"{url}/another") == "still here"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        get(f"{url}/healthz")
    cluster.run("import ray\nfrom ray import serve\nray.init()\nserve.shutdown()")


async def test_number_of_replicas_follows_the_load(cluster: Cluster) -> None:
    with serving(cluster, "--replicas", "1-2") as (url, process):
        assert len(cluster.replicas) == 1
        engine, number = RemoteEngine(Address(url, SECRET), bypass_proxy=True), itertools.count()
        await engine.connect()

        async def client() -> None:
            while len(cluster.replicas) < 2:
                text = f"{next(number)} cups of {MASK} with {THINGS[0]} in it."
                start = text.index(MASK)
                await engine.predict(PredictQuestion(text, ((start, start + len(MASK)),), 5))

        await asyncio.wait_for(asyncio.gather(*(client() for _ in range(16))), 120)
        await engine.close()
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 60) == 0


def test_cluster_without_token_authentication_is_refused_unless_allowed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    cluster = Cluster(tmp_path_factory.mktemp("o"), token=False)  # a short path: sockets' names are limited
    try:
        command = [*SERVER, "serve", "--ray", cluster.address, "--model", "embedded"]
        environment = {**os.environ, **cluster.environment}
        result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        assert result.returncode == 2
        assert "this Ray cluster has no token authentication" in result.stderr
        with serving(cluster, "--allow-open-cluster") as (url, _):
            assert "fillmask-ls" in get(f"{url}/healthz")
    finally:
        cluster.stop()


def test_missing_cluster_is_an_error() -> None:
    address = f"127.0.0.1:{free_port()}"
    command = [*SERVER, "serve", "--ray", address, "--model", "embedded"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 2
    assert f"can't join a Ray cluster at {address}" in result.stderr


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        return str(response.read().decode())
