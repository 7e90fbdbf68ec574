"""Runs over many texts in the installed program: killed, interrupted, and with nowhere to write."""

from __future__ import annotations

import csv
import json
import os
import pty
import random
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from wire import SERVER, TIMEOUT

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="uses pseudo-terminals and /dev/full"),
    pytest.mark.timeout(900),
]

WORDS = ["the", "old", "dog", "sees", "a", "red", "house", "near", "our", "small", "river", "and", "many", "birds"]


def write_table(path: Path, rows: int) -> None:
    """Write a table with cells that contain line ends, quotation marks and commas."""
    chance = random.Random(7)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["item", "note", "text"])
        for number in range(rows):
            writer.writerow([number, 'a "note",\nin two lines', " ".join(chance.choices(WORDS, k=3)) + "."])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table that takes some seconds."""
    write_table(tmp_path / "items.csv", 1_500)
    return tmp_path / "items.csv"


def start_on_terminal(*arguments: str) -> tuple[subprocess.Popen[bytes], list[bytes]]:
    """Start the program with a terminal for its messages; returns it and what it shows."""
    ours, its = pty.openpty()
    program = subprocess.Popen([*SERVER, *arguments], stdout=its, stderr=its, stdin=its)
    os.close(its)
    shown: list[bytes] = []

    def read() -> None:
        try:
            while part := os.read(ours, 1 << 16):
                shown.append(part)
        except OSError:  # the program has ended
            pass
        os.close(ours)

    threading.Thread(target=read, daemon=True).start()
    return program, shown


def wait_until_larger(path: Path, size: int, program: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 5 * TIMEOUT
    while program.poll() is None and (path.stat().st_size if path.exists() else 0) <= size:
        assert time.monotonic() < end
        time.sleep(0.001)


@pytest.mark.parametrize(
    ("times", "rows"),
    [pytest.param(2, 400, marks=pytest.mark.process), pytest.param(10, 1_500, marks=pytest.mark.long)],
)
def test_killed_runs_lose_repeat_and_tear_no_records(times: int, rows: int, tmp_path: Path) -> None:
    table = tmp_path / "items.csv"
    write_table(table, rows)
    out = tmp_path / "scores.csv"
    arguments = ("score", str(table), "--metric", "original", "-o", str(out))
    chance = random.Random(11)
    kills = 0
    while True:
        program, shown = start_on_terminal(*arguments, *(["--resume"] if out.exists() else []))
        if kills < times:
            wait_until_larger(out, out.stat().st_size if out.exists() else 0, program)
            time.sleep(chance.uniform(0, 0.3))
            if program.poll() is None:
                program.kill()
                kills += 1
        elif program.wait(10 * TIMEOUT) == 0:
            break
        program.wait(TIMEOUT)
        assert program.returncode in (0, -signal.SIGKILL), b"".join(shown)
    assert kills == times
    assert b"rows per second" in b"".join(shown)
    whole = tmp_path / "whole.csv"
    subprocess.run([*SERVER, *arguments[:-1], str(whole)], check=True)
    actual, expected = (list(csv.DictReader(path.open(newline=""))) for path in (out, whole))
    assert [int(record["row"]) for record in actual] == list(range(1, rows + 1))
    for one, other in zip(actual, expected, strict=True):
        assert one.keys() == other.keys()
        assert all(one[name] == other[name] for name in ("item", "note", "text", "model", "tokens"))
        assert float(one["surprisal"]) == pytest.approx(float(other["surprisal"]), rel=0.02, abs=0.2)


@pytest.mark.process
def test_an_interrupt_keeps_whole_records_and_says_how_to_go_on(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.jsonl"
    program = subprocess.Popen([*SERVER, "score", str(table), "-o", str(out)], stderr=subprocess.PIPE, text=True)
    wait_until_larger(out, 0, program)
    wait_until_larger(out, out.stat().st_size, program)  # an interrupt takes back the records that are being written
    program.send_signal(signal.SIGINT)
    _, message = program.communicate(timeout=TIMEOUT)
    assert program.returncode == 130
    assert message == f"fillmask-ls: interrupted. {out} has whole records only: go on with --resume.\n"
    assert all(json.loads(line) for line in out.read_text().splitlines())
    assert out.read_text().endswith("\n")


def shell(command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=10 * TIMEOUT)


PROGRAM = shlex.join(SERVER)


@pytest.mark.process
def test_a_full_disk_keeps_whole_records(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    done = shell(f"ulimit -f 20; {PROGRAM} score {table} -o {out}")
    assert (done.returncode, done.stderr) == (2, f"fillmask-ls: can't write {out}: File too large\n")
    rows = list(csv.DictReader(out.open(newline="")))
    assert [int(row["row"]) for row in rows] == list(range(1, len(rows) + 1))
    assert all(row["perplexity"] for row in rows)


@pytest.mark.process
@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("score A.", "can't write to standard output: No space left on device"),
        ("score A. --format jsonl -o /dev/full", "can't write /dev/full: No space left on device"),
    ],
)
def test_nowhere_to_write_is_one_line(command: str, message: str) -> None:
    done = shell(f"{PROGRAM} {command} > /dev/full")
    assert (done.returncode, done.stderr) == (2, f"fillmask-ls: {message}\n")


@pytest.mark.process
def test_a_reader_that_stops_early_is_no_error(table: Path) -> None:
    done = shell(f"{PROGRAM} score {table} --format jsonl | head -1; echo ${{PIPESTATUS[0]}}")
    first, code = done.stdout.splitlines()
    assert (json.loads(first)["item"], code, done.stderr) == ("0", "0", "")


@pytest.mark.process
def test_a_pipe_is_answered_line_by_line() -> None:
    program = subprocess.Popen(
        [*SERVER, "predict", "-", "--top-k", "1", "--format", "jsonl"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert program.stdin is not None
    assert program.stdout is not None
    for number, text in enumerate(["She drank a cup of [MASK].", "He closed the [MASK].", "no mask"], 1):
        program.stdin.write(f"{text}\n")
        assert json.loads(program.stdout.readline())["row"] == number
    program.stdin.close()
    assert program.wait(TIMEOUT) == 1


@pytest.mark.process
def test_help_needs_no_torch() -> None:
    code = (
        "import sys; from fillmask_ls.cli import main; main(['score', '--help']); "
        "sys.exit('torch' in sys.modules or 'rich' in sys.modules or 'pyarrow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


@pytest.mark.long
def test_a_long_table_needs_less_than_100_mb_beside_the_model(tmp_path: Path) -> None:
    def peak(rows: int) -> int:
        table = tmp_path / f"{rows}.jsonl"
        table.write_text("".join(f'{{"text": "He saw [MASK] {number}."}}\n' for number in range(rows)))
        code = (
            "import resource, sys; from fillmask_ls.cli import main; code = main(sys.argv[1:]); "
            "print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        arguments = [
            "predict",
            str(table),
            "--max-subwords",
            "1",
            "--top-k",
            "3",
            "-o",
            str(tmp_path / f"{rows}.out.jsonl"),
        ]
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        status, kilobytes = map(int, done.stdout.split())
        assert status == 0
        return kilobytes

    assert peak(6_000) - peak(8) < 100_000
