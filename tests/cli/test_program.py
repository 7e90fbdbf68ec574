"""The installed program, as a shell starts it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys

import pytest

from fillmask_ls import __version__
from wire import SERVER

pytestmark = [pytest.mark.process, pytest.mark.skipif(os.name != "posix", reason="uses a POSIX shell")]

TEXT = "The patient was taken to the [MASK] by ambulance."
PROGRAM = shlex.join(SERVER)


def shell(command: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=100, env=env)


def test_predict_prints_the_best_word_first() -> None:
    done = shell(f"echo '{TEXT}' | {PROGRAM} predict - --top-k 1")
    assert (done.returncode, done.stderr) == (0, "")
    context, _, best = done.stdout.splitlines()
    assert (context, best.split()[0]) == (f"1:30  {TEXT}", "hospital")


def test_python_dash_m_is_the_same_program() -> None:
    done = shell(f"{sys.executable} -m fillmask_ls --version; {sys.executable} -m fillmask_ls predict x")
    assert done.stdout == f"fillmask-ls {__version__}\n"
    assert done.stderr == "fillmask-ls: there is no [MASK] in the text, and no file has that name\n"
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("predict - <&-", "can't read standard input: it is closed"),
        (f"predict '{TEXT}' >&-", "can't write to standard output: it is closed"),
        ("--help > /dev/full", "can't write to standard output: No space left on device"),
    ],
)
@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_closed_and_full_streams_are_one_line_and_exit_with_2(command: str, message: str) -> None:
    done = shell(f"{PROGRAM} {command}")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"fillmask-ls: {message}\n")


def test_a_reader_that_stops_early_is_no_error() -> None:
    done = shell(f"yes '{TEXT}' | head -3 | {PROGRAM} predict - --top-k 1000 | head -1; echo ${{PIPESTATUS[2]}}")
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "0"


def test_output_on_a_terminal_is_colored() -> None:
    code = f"import pty; pty.spawn({[*SERVER, 'predict', TEXT]!r})"
    env = {**os.environ, "TERM": "xterm-256color"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=100, env=env)
    assert b"\x1b[" in done.stdout
    assert b"hospital" in done.stdout
