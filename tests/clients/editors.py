"""Locate real editors, run them as a new user, and wait for what they show."""

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
CLIENT_CONFIG = ROOT / "client-config"
PARIS = "Paris is the capital of [MASK]"
TIMEOUT = 60
"""Seconds for a change on the screen: generous, because busy machines are slow and only a failing test waits that long."""


def editors_folder() -> Path:
    """Return the folder that ``install.sh`` installs editors into."""
    return Path(os.environ.get("FILLMASK_EDITORS") or Path.home() / ".cache/fillmask-ls/editors")


def find_program(editor: str, *candidates: str | Path) -> str:
    """Return the path of the first candidate that is installed. Without any, skip the test or fail it if required."""
    folders = [str(Path(sys.executable).parent), str(editors_folder() / "bin"), os.environ.get("PATH", "")]
    paths = (shutil.which(name, path=os.pathsep.join(folders)) for name in candidates)
    return next(filter(None, paths), None) or skip_or_fail(
        editor, f"{' or '.join(map(str, candidates))} not found; run tests/clients/install.sh"
    )


def skip_or_fail(editor: str, reason: str) -> NoReturn:
    """Skip the test, or fail it if ``FILLMASK_CLIENTS_REQUIRED`` contains the editor."""
    required = [name.strip() for name in os.environ.get("FILLMASK_CLIENTS_REQUIRED", "").split(",")]
    if editor in required:
        pytest.fail(f"{editor} is required: {reason}")
    pytest.skip(reason)


def readme_block(readme: Path, start: str, language: str = "sh") -> str:
    """Return the README's only code block in the language that starts with a text."""
    blocks: list[str] = re.findall(
        rf"^```{language}\n(.*?)^```", readme.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    [block] = [block for block in blocks if block.startswith(start)]
    return block


def user_environment(home: Path) -> dict[str, str]:
    """Return the environment variables of a new user with an empty home, who has the server on the ``PATH``."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "EMACS", "NVIM", "VIM"))
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**inherited, "HOME": str(home), "PATH": path, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


def run_readme_block(readme: Path, start: str, home: Path) -> None:
    """Run a block of shell commands in the README as a new user in the repository."""
    subprocess.run(["bash", "-euc", readme_block(readme, start)], cwd=ROOT, env=user_environment(home), check=True)


def wait_until(condition: Callable[[], T], description: str, timeout: float = TIMEOUT) -> T:
    """Return the first true result of the condition.

    Raises:
        TimeoutError: if there is none within ``timeout`` seconds.
    """
    end = time.monotonic() + timeout
    while not (result := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {timeout} s: {description}")
        time.sleep(0.05)
    return result


def free_port() -> int:
    """Return an unused local port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def is_reachable(url: str) -> bool:
    """Return whether a local HTTP server answers."""
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except OSError:
        return False


def kill_tree(pid: int) -> None:
    """Kill a process and its descendants: some editors leave servers running for hours."""
    process = psutil.Process(pid)
    for each in [*process.children(recursive=True), process]:
        with suppress(psutil.NoSuchProcess):
            each.kill()


def artifacts_folder(default: Path) -> Path:
    """Return the folder for screenshots and texts: ``FILLMASK_ARTIFACTS`` or the default one, created if missing."""
    folder = Path(os.environ.get("FILLMASK_ARTIFACTS") or default)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
