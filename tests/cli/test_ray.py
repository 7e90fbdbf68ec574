"""``--ray``: a run on a Ray cluster of two workers gives the records of a run on one machine, also if a worker is killed."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from cli.bulk_runs import FAST, MASKED
from cli.in_process import RunCommand

ROWS = 600


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Cluster:
    """A Ray cluster of one node with two cores."""

    def __init__(self, folder: Path) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self.environment = {**os.environ, "RAY_TMPDIR": str(folder)}
        ray = shutil.which("ray", path=sysconfig.get_path("scripts"))
        assert ray
        command = [ray, "start", "--head", "--block", "--num-cpus=2", "--include-dashboard=false"]
        command += [f"--port={self.address.rpartition(':')[2]}", "--disable-usage-stats"]
        command += [f"--dashboard-agent-listen-port={free_port()}", f"--metrics-export-port={free_port()}"]
        self.process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        assert any("Ray runtime started" in line for line in self.process.stdout)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command on the cluster."""
        command = [sys.executable, "-m", "fillmask_ls", *arguments, "--ray", self.address]
        return subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command on the cluster and return its exit code, what it printed, and its messages without Ray's own."""
        process = self.start(*arguments)
        printed, messages = process.communicate(timeout=200)
        lines = messages.splitlines(keepends=True)
        return process.returncode, printed, "".join(line for line in lines if "core_worker.cc" not in line)

    def workers(self) -> list[psutil.Process]:
        """Return the processes with a model."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if "MapWorker" in _name(child)]


def _name(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    pytest.importorskip("ray.data", reason="needs the extra 'cluster'")
    started = Cluster(tmp_path_factory.mktemp("c"))
    yield started
    started.process.terminate()
    started.process.wait(60)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A table of many rows, some without a mask."""
    path = tmp_path / "items.jsonl"
    texts = [f"{number}: {MASKED[number % 3]}" if number % 50 else "Nothing." for number in range(ROWS)]
    path.write_text("".join(json.dumps({"id": number, "text": text}) + "\n" for number, text in enumerate(texts)))
    return path


@pytest.mark.cluster
@pytest.mark.timeout(400)
class TestCluster:
    def test_records_are_those_of_one_machine(
        self, cluster: Cluster, run: RunCommand, many: Path, tmp_path: Path
    ) -> None:
        here, there = tmp_path / "here.jsonl", tmp_path / "there.jsonl"
        assert run("predict", str(many), *FAST, "-o", str(here)).code == 1
        code, printed, messages = cluster.run("predict", str(many), *FAST, "-o", str(there))
        assert (code, printed) == (1, "")
        assert messages == f"fillmask-ls: {ROWS // 50} of {ROWS} texts failed: the column 'error' says why\n"
        assert there.read_text() == here.read_text()

    def test_a_killed_worker_costs_no_record(
        self, cluster: Cluster, run: RunCommand, many: Path, tmp_path: Path
    ) -> None:
        here, there = tmp_path / "here.jsonl", tmp_path / "there.jsonl"
        assert run("score", str(many), "--model", "embedded", "-o", str(here)).code == 0
        process = cluster.start("score", str(many), "--model", "embedded", "-o", str(there))
        while len(cluster.workers()) < 2 or not (there.exists() and there.stat().st_size):
            assert process.poll() is None, process.communicate()
            time.sleep(0.1)
        cluster.workers()[0].kill()
        assert process.wait(200) == 0
        assert there.read_text() == here.read_text()

    def test_a_run_on_the_cluster_continues_one_on_this_machine(
        self, cluster: Cluster, run: RunCommand, many: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out.csv"
        assert run("predict", str(many), *FAST, "-o", str(out)).code == 1
        whole = out.read_bytes()
        out.write_bytes(whole[: len(whole) // 2])
        assert cluster.run("predict", str(many), *FAST, "-o", str(out), "--resume")[0] == 1
        assert out.read_bytes() == whole

    def test_a_summary_is_printed(self, cluster: Cluster, run: RunCommand, tmp_path: Path) -> None:
        pairs = tmp_path / "pairs.jsonl"
        pair = {"sentence_good": "The sisters bake.", "sentence_bad": "The sisters bakes."}
        pairs.write_text(f"{json.dumps(pair)}\n" * 40)
        expected = run("pairs", str(pairs), "--model", "embedded")
        assert cluster.run("pairs", str(pairs), "--model", "embedded") == (0, expected.out, "")

    def test_a_missing_model_is_reported(self, cluster: Cluster, many: Path) -> None:
        code, _, messages = cluster.run("predict", str(many), "--model", "/no/such/model")
        assert code == 3
        assert messages.startswith("fillmask-ls: ")
        assert messages.count("\n") == 1

    def test_a_missing_cluster_is_reported(self, many: Path) -> None:
        command = [sys.executable, "-m", "fillmask_ls", "predict", str(many), "--ray", f"127.0.0.1:{free_port()}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith("fillmask-ls: there is no Ray cluster at 127.0.0.1:")


def test_standard_input_and_documents_to_rewrite_stay_on_this_machine(run: RunCommand, tmp_path: Path) -> None:
    document = tmp_path / "notes.md"
    document.write_text(MASKED[0])
    for arguments, reason in [
        (("predict", "-"), "--ray can't read standard input"),
        (("fill", str(document)), "--ray is for tables"),
        (("predict", str(document), "--engine", "http://127.0.0.1:9"), "--ray is not allowed with --engine"),
        (("inspect", str(document), "--html", str(tmp_path / "page.html")), "--html is not allowed with --ray"),
    ]:
        result = run(*arguments, "--ray", "auto", stdin="")
        assert (result.code, result.out) == (2, "")
        assert reason in result.err


def test_without_ray_the_extra_is_named(run: RunCommand, tmp_path: Path) -> None:
    if find_spec("ray") is not None:
        pytest.skip("Ray is installed")
    result = run("predict", MASKED[0], "--ray", "auto")
    assert (result.code, result.err) == (
        2,
        "fillmask-ls: --ray needs the extra 'cluster': in the clone, run pipx install --force '.[cluster]', or in a virtual "
        "environment pip install '.[cluster]'\n",
    )
