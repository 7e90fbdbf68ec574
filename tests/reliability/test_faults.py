"""What breaks around the server: each fault ends in a plain message and a living server, and nothing is lost."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from fillmask_ls.mlm.checkpoint import EMBEDDED
from hub import FILES, Hub
from reliability.campaign import sabotaged
from wire import SERVER, Wire

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals, limits and permissions of a POSIX system")

ROOM = 40_000_000
"""Bytes: fewer than a model takes."""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "checkpoint"
    shutil.copytree(EMBEDDED, folder)
    return folder


@pytest.fixture(scope="module")
def loaded(checkpoint: Path) -> Iterator[Wire]:
    """A server with a checkpoint of the user's, in the precision of its file: nothing need be converted."""
    with Wire() as wire:
        wire.initialize(initializationOptions={"model": str(checkpoint), "dtype": "bfloat16"})
        assert hospital(wire)
        yield wire


def hospital(wire: Wire, words: list[int] = [0]) -> bool:  # noqa: B006 - counts over all calls
    """Whether a text that no one asked about before gets the right word."""
    words[0] += 1
    uri = f"file:///{words[0]}.txt"
    text = f"On day {words[0]} the man was taken to the [MASK] by ambulance."
    wire.open(text, uri)
    found = wire.request("textDocument/hover", wire.at(0, text.index("[MASK]"), uri), timeout=90)
    return "hospital" in found["result"]["contents"]["value"]


def select(wire: Wire, model: str) -> Any:
    arguments = {"command": "fillmask.selectModel", "arguments": [{"model": model}]}
    return wire.request("workspace/executeCommand", arguments, timeout=90)["result"]


def truncate(file: Path) -> None:
    os.truncate(file, 1000)


def corrupt(file: Path) -> None:
    with file.open("r+b") as content:
        content.write(b"\xff" * 100_000)


def replace(file: Path) -> None:
    file.unlink()
    file.write_bytes(b"something else")


@pytest.mark.parametrize(
    "fault", [truncate, *(pytest.param(each, marks=pytest.mark.long) for each in (corrupt, replace, Path.unlink))]
)
def test_a_checkpoint_that_changes_while_it_is_loaded(
    loaded: Wire, checkpoint: Path, fault: Callable[[Path], None]
) -> None:
    weights = checkpoint / "model.safetensors"
    shutil.copy(EMBEDDED / weights.name, weights) if not weights.exists() else None
    fault(weights)
    assert hospital(loaded)
    status = select(loaded, str(checkpoint))
    assert "model.safetensors" in status["error"]
    assert hospital(loaded)
    shutil.copy(EMBEDDED / weights.name, weights)
    assert select(loaded, str(checkpoint))["error"] is None


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits another process's memory")
def test_no_memory_for_another_model(loaded: Wire) -> None:
    process = psutil.Process(loaded.process.pid)
    most = process.memory_info().vms + ROOM
    process.rlimit(psutil.RLIMIT_AS, (most, resource.RLIM_INFINITY))
    status = select(loaded, "embedded")
    process.rlimit(psutil.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert status["error"] is None or "memory" in status["error"], status
    assert hospital(loaded)


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("stage", ["before initialize", "loading"])
def test_a_signal_ends_the_server_quietly(sign: signal.Signals, stage: str) -> None:
    with Wire() as wire:
        if stage == "loading":
            wire.initialize()
        else:  # it listens
            wire.send_bytes(b"Content-Length: 1\r\n\r\n{")
            wire.answer(None)
        wire.process.send_signal(sign)
        assert wire.wait(10) in (130, 143, -sign)
        assert wire.process.stderr is not None
        assert b"Traceback" not in wire.process.stderr.read()


@pytest.mark.parametrize("part", [b"Content-Le", b"Content-Length: 10\r\n\r\n{"])
def test_standard_input_that_is_closed_inside_a_message(part: bytes) -> None:
    with Wire() as wire:
        wire.send_bytes(part)
        assert wire.process.stdin is not None
        wire.process.stdin.close()
        assert wire.wait(10) == 1
        assert wire.process.stderr is not None
        assert b"Traceback" not in wire.process.stderr.read()


@pytest.mark.long
@pytest.mark.parametrize("stage", ["before initialize", "loading", "downloading", "predicting", "shutting down"])
def test_a_client_that_is_killed_takes_its_server_along(stage: str, hub: Hub, environment: dict[str, str]) -> None:
    client = f"""
import json, os, subprocess, sys, time
server = subprocess.Popen({SERVER!r}, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
def send(method, params=None, id=None):
    message = {{"jsonrpc": "2.0", "method": method, "params": params}} | ({{}} if id is None else {{"id": id}})
    body = json.dumps(message).encode()
    server.stdin.write(b"Content-Length: %d\\r\\n\\r\\n%s" % (len(body), body)); server.stdin.flush()
stages = ["before initialize", "loading", "downloading", "predicting", "shutting down"]
stage = stages.index({stage!r})
if stage >= 1:
    send("initialize", {{"processId": os.getpid(), "rootUri": None, "capabilities": {{}}}}, 1)
if stage == 2:
    send("workspace/executeCommand", {{"command": "fillmask.downloadModel", "arguments": [{{"model": "some/model"}}]}}, 2)
if stage >= 3:
    text = "a [MASK] " * 2000
    send("textDocument/didOpen", {{"textDocument": {{"uri": "u", "languageId": "", "version": 1, "text": text}}}})
    send("workspace/executeCommand", {{"command": "fillmask.score", "arguments": [{{"uri": "u"}}]}}, 3)
if stage == 4:
    send("shutdown", None, 4)
print(server.pid, flush=True)
time.sleep(100)
"""
    hub.stall_after = 1_000_000
    process = subprocess.Popen([sys.executable, "-c", client], stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    server = psutil.Process(int(process.stdout.readline()))
    time.sleep({"predicting": 12, "shutting down": 6}.get(stage, 3))
    assert server.is_running()
    process.kill()
    process.wait()
    server.wait(10)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def environment(hub: Hub) -> dict[str, str]:
    return {
        **os.environ,
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DOWNLOAD_TIMEOUT": "1",
    }


def download(environment: dict[str, str], preexec: Callable[[], None] | None = None) -> tuple[int, str, str]:
    done = subprocess.run(
        [*SERVER, "download", "some/model"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        preexec_fn=preexec,
    )
    return done.returncode, done.stdout.strip(), done.stderr.strip().splitlines()[-1] if done.stderr.strip() else ""


def test_a_download_that_is_not_what_it_was_to_be_is_told_and_mended(hub: Hub, environment: dict[str, str]) -> None:
    hub.damaged = True
    code, _, told = download(environment)
    assert code == 3
    assert "arrived damaged. Run the same command again" in told
    hub.damaged = False
    code, folder, _ = download(environment)
    assert code == 0
    assert (Path(folder) / "model.safetensors").read_bytes() == FILES["model.safetensors"]


def no_large_files() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))


def test_no_room_on_the_disk_is_told_and_what_arrived_is_kept(hub: Hub, environment: dict[str, str]) -> None:
    code, _, told = download(environment, no_large_files)
    assert code == 3
    assert "'some/model' could not be downloaded" in told
    assert "too large" in told
    assert download(environment)[0] == 0


def without_privileges() -> None:
    """Root may write anywhere; from the next program on, not."""
    if os.geteuid() == 0:
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="takes privileges away")
def test_a_cache_that_may_not_be_written_is_told(hub: Hub, environment: dict[str, str], tmp_path: Path) -> None:
    cache = tmp_path / "read-only"
    cache.mkdir(mode=0o500)
    code, _, told = download({**environment, "HF_HUB_CACHE": str(cache)}, without_privileges)
    assert code == 3
    assert "Permission denied" in told


@pytest.mark.long
@pytest.mark.parametrize("fault", ["stall", "lie", "break"])
def test_a_download_that_goes_wrong_is_told_and_goes_on_at_the_next_call(
    fault: str, hub: Hub, environment: dict[str, str]
) -> None:
    hub.stall_after = 3_000_000 if fault == "stall" else None
    hub.break_after = 3_000_000 if fault == "break" else None
    hub.lies = fault == "lie"
    code, _, told = download(environment)
    assert code == 0 or "Run the same command again" in told or "run the same command again" in told
    hub.stall_after, hub.lies = None, False
    code, folder, told = download(environment)
    assert code == 0, told
    assert (Path(folder) / "model.safetensors").read_bytes() == FILES["model.safetensors"]


@pytest.mark.long
def test_a_clock_that_jumps_changes_nothing() -> None:
    planted = """
import random, time
clock = time.time
time.time = lambda: clock() + random.uniform(-1e9, 1e9)
"""
    with Wire(program=sabotaged(planted)) as wire:
        wire.initialize({"window": {"workDoneProgress": True}, "workspace": {"configuration": True}})
        assert all(hospital(wire) for _ in range(20))
        assert wire.request("shutdown")["result"] is None
        wire.notify("exit")
        assert wire.wait(5) == 0


@pytest.mark.long
def test_weights_that_stay_on_the_disk_are_caught() -> None:
    """The campaign can find something: a server that reads its checkpoint while it predicts doesn't survive."""
    planted = """
import os
from fillmask_ls.engine import local
def forward(self, jobs, run=local.LocalEngine._forward):
    if self._model.name != 'embedded':
        open(os.path.join(self._model.name, 'model.safetensors'), 'rb').seek(0)
        assert os.path.getsize(os.path.join(self._model.name, 'model.safetensors')) > 2000 or os._exit(7)
    run(self, jobs)
local.LocalEngine._forward = forward
"""
    folder = Path(os.environ["HF_HUB_CACHE"]).parent / "planted"
    shutil.copytree(EMBEDDED, folder)
    with Wire(program=sabotaged(planted)) as wire:
        wire.initialize(initializationOptions={"model": str(folder), "dtype": "bfloat16"})
        assert hospital(wire)
        truncate(folder / "model.safetensors")
        with pytest.raises(EOFError):
            hospital(wire)
