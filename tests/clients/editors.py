"""The editors that are here, and what their tests share."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TypeVar

import psutil
import pytest

T = TypeVar("T")

ROOT = Path(__file__).parent.parent.parent
CLIENTS = ROOT / "client-config"
PATIENCE = 30
"""Seconds for what an editor shows in one, on a quiet machine."""


def editors_folder() -> Path:
    """Where ``install.sh`` puts the editors that the system's packages don't have."""
    return Path(os.environ.get("FILLMASK_EDITORS") or Path.home() / ".cache/fillmask-ls/editors")


def program(editor: str, *candidates: str | Path) -> str:
    """The first of the candidates that is here; without one the test is skipped, or fails where the editor is required."""
    folders = [str(Path(sys.executable).parent), str(editors_folder() / "bin"), os.environ.get("PATH", "")]
    found = next(filter(None, (shutil.which(name, path=os.pathsep.join(folders)) for name in candidates)), None)
    return found or missing(editor, f"there is no {' or '.join(map(str, candidates))}; see tests/clients/install.sh")


def missing(editor: str, why: str) -> NoReturn:
    """Skip the test, or fail it where ``FILLMASK_CLIENTS_REQUIRED`` names the editor."""
    required = [name.strip() for name in os.environ.get("FILLMASK_CLIENTS_REQUIRED", "").split(",")]
    if editor in required:
        pytest.fail(f"{editor} is required: {why}")
    pytest.skip(why)


def commands(readme: Path, beginning: str, language: str = "sh") -> str:
    """The block of shell commands, or in another language, in a README that begins so."""
    blocks: list[str] = re.findall(
        rf"^```{language}\n(.*?)^```", readme.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    [found] = [block for block in blocks if block.startswith(beginning)]
    return found


def environment(home: Path) -> dict[str, str]:
    """That of a new user: with the server in the path, and with an empty home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "EMACS", "NVIM", "VIM"))}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**kept, "HOME": str(home), "PATH": path, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


def follow(readme: Path, beginning: str, home: Path) -> None:
    """Do what a README says, as a new user in the repository."""
    subprocess.run(["bash", "-euc", commands(readme, beginning)], cwd=ROOT, env=environment(home), check=True)


def wait(for_: Callable[[], T], what: str, seconds: float = PATIENCE) -> T:
    """The first result that is true."""
    end = time.monotonic() + seconds
    while not (result := for_()):
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.05)
    return result


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def answers(address: str) -> bool:
    """Whether a server of this machine answers there."""
    try:
        with urllib.request.urlopen(address, timeout=1):
            return True
    except OSError:
        return False


def end(pid: int) -> None:
    """End a process and all that it started: some editors' servers linger for hours."""
    process = psutil.Process(pid)
    for one in [*process.children(recursive=True), process]:
        with suppress(psutil.NoSuchProcess):
            one.kill()


def artefact(name: str, folder: Path, content: str) -> None:
    """Keep what an editor showed."""
    kept = Path(os.environ.get("FILLMASK_ARTIFACTS") or folder)
    kept.mkdir(parents=True, exist_ok=True)
    (kept / name).write_text(content, encoding="utf-8")
