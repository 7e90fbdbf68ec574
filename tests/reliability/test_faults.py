"""Faults of files, memory, downloads and clients: the server reports them and continues."""

from __future__ import annotations

import ctypes
import itertools
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from fillmask_ls.mlm.checkpoint import EMBEDDED
from hub import FILES, Hub
from reliability.campaign import program_with
from wire import SERVER, TIMEOUT, Wire

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals, limits and permissions of a POSIX system")

FREE_BYTES = 40_000_000
"""Free memory that is too small for a model."""
_numbers = itertools.count()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("faults") / "checkpoint"
    shutil.copytree(EMBEDDED, folder)
    return folder


@pytest.fixture(scope="module")
def loaded(checkpoint: Path) -> Iterator[Wire]:
    """A program that loaded the checkpoint in the precision of its file, without conversion."""
    with Wire() as wire:
        wire.initialize(initializationOptions={"model": str(checkpoint), "dtype": "bfloat16"})
        assert predicts(wire)
        yield wire


def predicts(wire: Wire) -> bool:
    """Return whether the model predicts the right word in a new text."""
    number = next(_numbers)
    uri, text = f"file:///{number}.txt", f"On day {number} the man was taken to the [MASK] by ambulance."
    wire.open(text, uri)
    hover = wire.request("textDocument/hover", wire.position_params(0, text.index("[MASK]"), uri))
    return "hospital" in hover["result"]["contents"]["value"]


def select(wire: Wire, model: str) -> Any:
    """Choose a model; return the server's status."""
    arguments = {"command": "fillmask.selectModel", "arguments": [{"model": model}]}
    return wire.request("workspace/executeCommand", arguments)["result"]


def truncate(file: Path) -> None:
    os.truncate(file, 1000)


def corrupt(file: Path) -> None:
    with file.open("r+b") as content:
        content.write(b"\xff" * 100_000)


def replace(file: Path) -> None:
    file.unlink()
    file.write_bytes(b"something else")


@pytest.mark.process
@pytest.mark.parametrize(
    "change", [truncate, *(pytest.param(each, marks=pytest.mark.long) for each in (corrupt, replace, Path.unlink))]
)
def test_loaded_model_survives_changes_of_its_files(
    loaded: Wire, checkpoint: Path, change: Callable[[Path], None]
) -> None:
    weights = checkpoint / "model.safetensors"
    shutil.copy(EMBEDDED / weights.name, weights)
    change(weights)
    assert predicts(loaded)
    assert "model.safetensors" in select(loaded, str(checkpoint))["error"]
    assert predicts(loaded)
    shutil.copy(EMBEDDED / weights.name, weights)
    assert select(loaded, str(checkpoint))["error"] is None


@pytest.mark.process
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits another process's memory")
def test_program_survives_a_model_that_does_not_fit_into_memory(loaded: Wire) -> None:
    process = psutil.Process(loaded.process.pid)
    limit = process.memory_info().vms + FREE_BYTES
    process.rlimit(psutil.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    status = select(loaded, "embedded")
    process.rlimit(psutil.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert status["error"] is None or "memory" in status["error"], status
    assert predicts(loaded)


@pytest.mark.long
@pytest.mark.parametrize("stage", ["before initialize", "initialized", "downloading", "predicting", "shut down"])
def test_program_ends_when_its_client_is_killed(stage: str, hub: Hub, environment: dict[str, str]) -> None:
    client = f"""
import os, sys, time
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from wire import Wire
stage = {stage!r}
wire = Wire()
if stage != "before initialize":
    wire.initialize(processId=os.getpid())
if stage == "downloading":
    command = {{"command": "fillmask.downloadModel", "arguments": [{{"model": "some/model"}}]}}
    wire.send_request("workspace/executeCommand", command)
if stage == "predicting":
    wire.open("a [MASK] " * 2000)
    wire.request("textDocument/hover", wire.position_params(0, 3))
    wire.send_request("workspace/executeCommand", {{"command": "fillmask.score", "arguments": [{{"uri": "file:///a.txt"}}]}})
if stage == "shut down":
    wire.request("shutdown")
print(wire.process.pid, flush=True)
time.sleep(1000)
"""
    hub.stall_after = 1_000_000
    process = subprocess.Popen([sys.executable, "-c", client], stdout=subprocess.PIPE, env=environment)
    assert process.stdout is not None
    server = psutil.Process(int(process.stdout.readline()))
    if stage == "downloading":
        assert hub.stalled.wait(TIMEOUT)
    process.kill()
    process.wait()
    server.wait(TIMEOUT)


@pytest.fixture
def environment(hub: Hub) -> dict[str, str]:
    return {**os.environ, "HF_HUB_DOWNLOAD_TIMEOUT": "1"}


def download(environment: dict[str, str], preexec: Callable[[], None] | None = None) -> tuple[int, str, str]:
    result = subprocess.run(
        [*SERVER, "download", "some/model"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        preexec_fn=preexec,
    )
    return (
        result.returncode,
        result.stdout.strip(),
        result.stderr.strip().splitlines()[-1] if result.stderr.strip() else "",
    )


@pytest.mark.process
def test_damaged_download_is_reported_and_repaired_by_the_next(hub: Hub, environment: dict[str, str]) -> None:
    hub.damaged = True
    code, _, message = download(environment)
    assert code == 3
    assert "arrived damaged. Run the same command again" in message
    hub.damaged = False
    code, folder, _ = download(environment)
    assert code == 0
    assert (Path(folder) / "model.safetensors").read_bytes() == FILES["model.safetensors"]


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))


@pytest.mark.long
def test_download_to_a_full_disk_is_reported_and_can_be_repeated(hub: Hub, environment: dict[str, str]) -> None:
    code, _, message = download(environment, limit_file_size)
    assert code == 3
    assert "'some/model' could not be downloaded" in message
    assert "too large" in message
    assert download(environment)[0] == 0


def drop_privileges() -> None:
    """Remove root's privilege to write anywhere from programs that are started next."""
    if os.geteuid() == 0:
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


@pytest.mark.long
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="drops Linux capabilities")
def test_download_to_a_read_only_cache_is_reported(hub: Hub, environment: dict[str, str], tmp_path: Path) -> None:
    cache = tmp_path / "read-only"
    cache.mkdir(mode=0o500)
    code, _, message = download({**environment, "HF_HUB_CACHE": str(cache)}, drop_privileges)
    assert code == 3
    assert "Permission denied" in message


@pytest.mark.long
@pytest.mark.parametrize("fault", ["stall", "wrong length", "break"])
def test_interrupted_download_is_reported_and_completed_by_the_next(
    fault: str, hub: Hub, environment: dict[str, str]
) -> None:
    hub.stall_after = 3_000_000 if fault == "stall" else None
    hub.break_after = 3_000_000 if fault == "break" else None
    hub.wrong_length = fault == "wrong length"
    code, _, message = download(environment)
    assert code == 0 or "run the same command again" in message.lower()
    hub.stall_after, hub.wrong_length = None, False
    code, folder, message = download(environment)
    assert code == 0, message
    assert (Path(folder) / "model.safetensors").read_bytes() == FILES["model.safetensors"]


@pytest.mark.long
def test_server_works_while_the_system_clock_jumps() -> None:
    planted = """
import random, time
clock = time.time
time.time = lambda: clock() + random.uniform(-1e9, 1e9)
"""
    with Wire(program=program_with(planted)) as wire:
        wire.initialize({"window": {"workDoneProgress": True}, "workspace": {"configuration": True}})
        assert all(predicts(wire) for _ in range(20))
        wire.shut_down()
        assert wire.wait() == 0


@pytest.mark.long
def test_campaign_finds_a_model_that_reads_its_files_while_it_predicts(tmp_path: Path) -> None:
    folder = tmp_path / "planted"
    planted = f"""
import os
from fillmask_ls.engine.local import LocalEngine
async def answer(self, *arguments, original=LocalEngine.answer, **named):
    if os.path.getsize({str(folder / "model.safetensors")!r}) < 2000:
        os._exit(7)
    return await original(self, *arguments, **named)
LocalEngine.answer = answer
"""
    shutil.copytree(EMBEDDED, folder)
    with Wire(program=program_with(planted)) as wire:
        wire.initialize(initializationOptions={"model": str(folder), "dtype": "bfloat16"})
        assert predicts(wire)
        truncate(folder / "model.safetensors")
        with pytest.raises(EOFError):
            predicts(wire)
