"""Commands that ask a shared engine: the same answers, and no model in this process."""

from __future__ import annotations

import argparse
import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from cli.in_process import RunCommand
from fillmask_ls.cli.bulk.backend import Backend
from shared_engine import SharedEngine

TEXTS = ["She drank a cup of [MASK] with milk.", "The [MASK] and the [MASK].", "No mask."]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "items.jsonl"
    path.write_text("".join(json.dumps({"text": text, "part": text.split()[1]}) + "\n" for text in TEXTS))
    return path


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", "--top-k", "3"],
        ["cloze", "--targets", "tea,coffee,ambulance driver", "--base", "e"],
        ["score", "--base", "e", "--per", "word"],
        ["score", "--region", "part"],
        ["fill"],
        ["mask", "--rate", "0.5"],
        ["inspect", "--seed", "3"],
    ],
    ids=" ".join,
)
def test_a_shared_engine_gives_the_same_answers(
    run: RunCommand, shared_engine: SharedEngine, table: Path, arguments: list[str]
) -> None:
    command, *options = arguments
    local = run(command, str(table), *options, "--format", "jsonl")
    shared = run(
        command, str(table), *options, "--format", "jsonl", "--engine", shared_engine.url, "--model", "/no/such"
    )
    assert shared.code == local.code
    assert shared_engine.questions
    for one, other in zip(json_lines(shared.out), json_lines(local.out), strict=True):
        assert one.keys() == other.keys()
        for name in one.keys() - {"tokens", "words", "candidates", "hidden_norms"}:
            assert one[name] == (
                pytest.approx(other[name], rel=1e-5, abs=1e-3) if isinstance(one[name], float) else other[name]
            )
        if "candidates" in one:
            assert [word["word"] for word in one["candidates"]] == [word["word"] for word in other["candidates"]]


def test_an_engine_that_does_not_answer_is_reported(run: RunCommand, table: Path) -> None:
    result = run("predict", str(table), "--engine", "http://127.0.0.1:9")
    assert (result.code, result.out, result.err.count("\n")) == (3, "", 1)
    assert "127.0.0.1:9" in result.err


@pytest.mark.parametrize("url", ["http://example.org", "ftp://x", "nonsense", ""])
def test_an_address_that_is_not_safe_is_refused(run: RunCommand, table: Path, url: str) -> None:
    result = run("predict", str(table), "--engine", url)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"fillmask-ls: can't use the engine {url!r}: its address must be https://HOST")


def test_a_busy_engine_is_asked_again(run: RunCommand, shared_engine: SharedEngine, table: Path) -> None:
    run("predict", str(table), "--engine", shared_engine.url)
    before = len(shared_engine.requests)
    shared_engine.fault = "full"

    def recover() -> None:
        while len(shared_engine.requests) < before + 3 and shared_engine.fault:
            threading.Event().wait(0.01)
        shared_engine.fault = ""

    thread = threading.Thread(target=recover, daemon=True)
    thread.start()
    result = run("predict", str(table), "--engine", shared_engine.url, "--format", "jsonl")
    shared_engine.fault = ""
    thread.join()
    assert (result.code, [len(record.get("candidates", "")) for record in json_lines(result.out)]) == (
        1,
        [10, 10, 10, 0],
    )


def test_an_engine_that_goes_away_stops_the_run_without_error_records(
    run: RunCommand, shared_engine: SharedEngine, table: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    table.write_text(table.read_text().splitlines()[0])
    shared_engine.fault = "403"
    result = run("predict", str(table), "--engine", shared_engine.url, "-o", str(out))
    assert (result.code, result.err.count("requires a token")) == (3, 1)
    assert not out.exists() or out.read_text() == ""


def test_text_that_is_too_long_for_the_engine_is_not_sent(run: RunCommand, shared_engine: SharedEngine) -> None:
    result = run("predict", "-", "--engine", shared_engine.url, stdin=f"{'word ' * 60_000} a [MASK]\n")
    assert "accepts at most 256 KiB: the text is too long" in result.err
    assert shared_engine.questions == []


def test_interrupted_run_leaves_no_question_behind() -> None:
    backend = Backend(argparse.Namespace(engine=None, batch_tokens=1))
    question = backend._loop.create_task(asyncio.sleep(60))
    backend.close()
    assert question.cancelled()
