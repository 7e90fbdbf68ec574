"""Continue the output of a run that was interrupted, and refuse that of another run."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.bulk_runs import FAST, MASKED, csv_rows, json_lines
from cli.in_process import RunCommand


class TestResume:
    """A run that was killed is continued so that its file is the same as after one run."""

    @pytest.fixture(params=["jsonl", "csv", "parquet"])
    def resumed_ending(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    @pytest.fixture
    def complete(self, run: RunCommand, table: Path, tmp_path: Path, resumed_ending: str) -> bytes:
        """The file of a run that nobody killed; of Parquet, the records before they are converted."""
        ending = resumed_ending
        out = tmp_path / f"whole.{ending}"
        if ending == "parquet":
            pytest.importorskip("pyarrow")
        run("predict", str(table), *FAST, "-o", str(out))
        if ending != "parquet":
            return out.read_bytes()
        return "".join(json.dumps(record) + "\n" for record in parquet_rows(out)).encode()

    def test_after_a_kill_at_any_byte_nothing_is_lost_doubled_or_torn(
        self, run: RunCommand, table: Path, tmp_path: Path, complete: bytes, resumed_ending: str
    ) -> None:
        ending = resumed_ending
        out = tmp_path / f"out.{ending}"
        part = tmp_path / "out.parquet.part" if ending == "parquet" else out
        for end in [0, 1, *range(9, len(complete), len(complete) // 4), len(complete) - 1, len(complete)]:
            part.write_bytes(complete[:end])
            result = run("predict", str(table), *FAST, "-o", str(out), "--resume")
            assert (result.code, result.err.count("\n")) == (1, 1)
            if ending == "parquet":
                assert _same(parquet_rows(out), parquet_rows(tmp_path / "whole.parquet"))
                assert not part.exists()
                out.unlink()
            else:
                assert same_but_for_rounding(out.read_bytes(), complete, ending)

    def test_a_document_is_continued_at_its_mask(self, run: RunCommand, tmp_path: Path) -> None:
        document, out = tmp_path / "notes.md", tmp_path / "out.jsonl"
        document.write_text("\n\n".join(MASKED))
        run("predict", str(document), *FAST, "-o", str(out))
        complete = out.read_bytes()
        for end in range(0, len(complete), len(complete) // 4):
            out.write_bytes(complete[:end])
            assert run("predict", str(document), *FAST, "-o", str(out), "--resume").code == 0
            assert same_but_for_rounding(out.read_bytes(), complete, "jsonl")

    def test_an_existing_file_is_neither_continued_nor_replaced_unasked(
        self, run: RunCommand, table: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out.jsonl"
        out.write_text("mine\n")
        result = run("predict", str(table), "-o", str(out))
        message = f"fillmask-ls: {out} exists. Go on with --resume, or begin again with --overwrite.\n"
        assert (result.code, result.err, out.read_text()) == (2, message, "mine\n")

    def test_overwrite_begins_again(self, run: RunCommand, table: Path, tmp_path: Path) -> None:
        out = tmp_path / "out.jsonl"
        out.write_text("mine\n")
        run("predict", str(table), *FAST, "-o", str(out), "--overwrite")
        assert json_lines(out.read_text())[0]["row"] == 1

    def test_overwrite_keeps_what_a_link_leads_to(self, run: RunCommand, table: Path, tmp_path: Path) -> None:
        precious, out = tmp_path / "precious", tmp_path / "out.jsonl"
        precious.write_text("mine\n")
        out.symlink_to(precious)
        run("predict", str(table), *FAST, "-o", str(out), "--overwrite")
        assert precious.read_text() == "mine\n"

    @pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
    def test_overwrite_keeps_the_mode_of_a_private_file(
        self, run: RunCommand, table: Path, tmp_path: Path, ending: str
    ) -> None:
        out = tmp_path / f"out.{ending}"
        out.touch(0o600)
        assert run("predict", str(table), *FAST, "-o", str(out), "--overwrite").code == 1
        assert out.stat().st_size > 0
        assert out.stat().st_mode & 0o777 == 0o600

    def test_resume_without_a_file_begins(self, run: RunCommand, table: Path, tmp_path: Path) -> None:
        out = tmp_path / "out.jsonl"
        assert run("predict", str(table), *FAST, "-o", str(out), "--resume").code == 1
        assert json_lines(out.read_text())[-1]["row"] == 10

    @pytest.mark.parametrize(
        ("written", "message"),
        [
            ("mine\n", "line 1 is not a record"),
            ('{"row": 99, "text": "x"}\n', "ends at row 99, which is not in the input"),
            ('{"row": 2, "text": "x", "model": "bert"}\n', "was begun with the model bert, not embedded"),
        ],
    )
    def test_a_file_of_another_run_is_not_continued(
        self, run: RunCommand, table: Path, tmp_path: Path, written: str, message: str
    ) -> None:
        out = tmp_path / "out.jsonl"
        out.write_text(written)
        result = run("predict", str(table), *FAST, "-o", str(out), "--resume")
        assert (result.code, out.read_text()) == (2, written)
        assert message in result.err

    @pytest.mark.parametrize(
        ("ending", "first", "then", "difference"),
        [
            ("jsonl", ("predict", *FAST), ("score",), "this run writes no column"),
            ("csv", ("predict", *FAST), ("score",), "has other columns than these options write"),
            ("parquet", ("predict", *FAST), ("score",), "this run writes no column"),
            ("jsonl", ("predict", *FAST), ("predict", "--max-subwords", "1", "--top-k", "3"), "at row 9, "),
            ("jsonl", ("predict", "--max-subwords", "1", "--top-k", "3"), ("predict", *FAST), "at row 9, "),
            ("csv", ("score",), ("score", "--base", "e"), "column 'surprisal' contains"),
            ("parquet", ("score",), ("score", "--metric", "original"), "column 'surprisal' contains"),
            ("jsonl", ("mask", "--seed", "1"), ("mask", "--seed", "2"), "column 'masked' contains"),
        ],
    )
    def test_a_run_with_other_options_is_not_continued(
        self,
        run: RunCommand,
        tmp_path: Path,
        ending: str,
        first: tuple[str, ...],
        then: tuple[str, ...],
        difference: str,
    ) -> None:
        table, out = texts_table(tmp_path, "The antediluvian [MASK] perambulated."), tmp_path / f"out.{ending}"
        part = interrupted_output(run, out, first[0], str(table), *first[1:])
        before = part.read_bytes()
        result = run(then[0], str(table), *then[1:], "-o", str(out), "--resume")
        assert (result.code, part.read_bytes()) == (2, before)
        assert difference in result.err
        assert result.err.endswith("write to another file with -o, or begin again with --overwrite.\n")
        assert result.err.count("\n") == 1

    @pytest.mark.parametrize("ending", ["jsonl", "csv", "parquet"])
    def test_a_run_over_other_texts_is_not_continued(self, run: RunCommand, tmp_path: Path, ending: str) -> None:
        out = tmp_path / f"out.{ending}"
        part = interrupted_output(run, out, "predict", str(texts_table(tmp_path, MASKED[0])), *FAST)
        before = part.read_bytes()
        result = run("predict", str(texts_table(tmp_path, MASKED[1])), *FAST, "-o", str(out), "--resume")
        assert (result.code, part.read_bytes()) == (2, before)
        assert f"at row 9, column 'text' contains {MASKED[0]!r}, and this run reads {MASKED[1]!r}" in result.err

    def test_a_run_over_more_rows_is_not_continued(self, run: RunCommand, tmp_path: Path) -> None:
        table, out = texts_table(tmp_path, MASKED[0]), tmp_path / "out.jsonl"
        run("predict", str(table), *FAST, "-o", str(out))
        table.write_text("".join(table.read_text().splitlines(keepends=True)[:9]))
        result = run("predict", str(table), *FAST, "-o", str(out), "--resume")
        assert (result.code, "at row 10, this run writes fewer records" in result.err) == (2, True)

    def test_a_file_without_places_is_not_continued(self, run: RunCommand, table: Path, tmp_path: Path) -> None:
        out = tmp_path / "out.jsonl"
        out.write_text('{"mine": 1}\n')
        result = run("predict", str(table), *FAST, "-o", str(out), "--resume")
        assert (result.code, out.read_text()) == (2, '{"mine": 1}\n')
        assert (
            "the output belongs to another run: its records don't name a row or a file position. Give the input"
            in result.err
        )

    def test_a_file_that_is_no_parquet_is_not_complete(self, run: RunCommand, table: Path, tmp_path: Path) -> None:
        pytest.importorskip("pyarrow")
        out = tmp_path / "out.parquet"
        out.write_text("mine\n")
        result = run("predict", str(table), *FAST, "-o", str(out), "--resume")
        assert (result.code, out.read_text()) == (2, "mine\n")
        assert f"{out} is not a Parquet file" in result.err

    def test_a_parquet_file_of_another_command_is_not_complete(
        self, run: RunCommand, table: Path, tmp_path: Path
    ) -> None:
        pytest.importorskip("pyarrow")
        out = tmp_path / "out.parquet"
        run("predict", str(table), *FAST, "-o", str(out))
        result = run("score", str(table), "-o", str(out), "--resume")
        assert (result.code, "has other columns than these options write" in result.err) == (2, True)

    def test_a_file_with_other_columns_is_not_continued(self, run: RunCommand, table: Path, tmp_path: Path) -> None:
        out = tmp_path / "out.csv"
        out.write_text("a,b\n1,2\n")
        result = run("predict", str(table), *FAST, "-o", str(out), "--resume")
        assert (result.code, out.read_text()) == (2, "a,b\n1,2\n")
        assert "has other columns than these options write" in result.err

    def test_values_that_parquet_cannot_contain_become_text(self, run: RunCommand, tmp_path: Path) -> None:
        pytest.importorskip("pyarrow")
        table, out = tmp_path / "items.jsonl", tmp_path / "out.parquet"
        table.write_text(json.dumps({"text": "The sky is blue.", "large": 10**30, "empty": {}}) + "\n")
        assert run("score", str(table), "-o", str(out)).code == 0
        [row] = parquet_rows(out)
        assert (row["large"], row["empty"]) == ("1" + 30 * "0", "{}")

    def test_a_complete_parquet_file_is_left_alone(self, run: RunCommand, table: Path, tmp_path: Path) -> None:
        pytest.importorskip("pyarrow")
        out = tmp_path / "out.parquet"
        run("predict", str(table), *FAST, "-o", str(out))
        before = out.stat().st_mtime_ns
        result = run("predict", str(table), *FAST, "-o", str(out), "--resume", "--model", "/no/such")
        assert (result.code, result.err) == (0, f"fillmask-ls: {out} is complete: nothing to do\n")
        assert out.stat().st_mtime_ns == before

    @pytest.mark.skipif(sys.platform == "win32", reason="needs file locks")
    def test_two_runs_do_not_write_one_file(self, run: RunCommand, table: Path, tmp_path: Path) -> None:
        import fcntl

        out = tmp_path / "out.jsonl"
        out.touch()
        with out.open("a") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            result = run("predict", str(table), *FAST, "-o", str(out), "--overwrite")
        assert (result.code, result.err) == (2, f"fillmask-ls: another run is writing {out}\n")


def texts_table(folder: Path, text: str) -> Path:
    """Write a table of ten rows with one text."""
    path = folder / "texts.jsonl"
    path.write_text(10 * (json.dumps({"text": text}) + "\n"))
    return path


def interrupted_output(run: RunCommand, out: Path, *arguments: str) -> Path:
    """Run a command and return the file that it would leave if it was killed just before its end."""
    if out.suffix != ".parquet":
        assert run(*arguments, "-o", str(out)).code == 0
        return out
    pytest.importorskip("pyarrow")
    assert run(*arguments, "-o", str(out)).code == 0
    part = out.with_name(f"{out.name}.part")
    part.write_text("".join(json.dumps(record) + "\n" for record in parquet_rows(out)))
    out.unlink()
    return part


def parquet_rows(path: Path) -> list[dict[str, Any]]:
    from pyarrow import parquet

    rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    return rows


def same_but_for_rounding(actual: bytes, expected: bytes, ending: str) -> bool:
    """Compare two files of records; texts computed in another batch differ in the last digits."""
    parse: Callable[[bytes], list[dict[str, Any]]] = (
        (lambda content: csv_rows(content.decode()))
        if ending == "csv"
        else (lambda content: json_lines(content.decode()))
    )
    return _same(parse(actual), parse(expected))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, list):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    try:
        return float(one) == pytest.approx(float(other), rel=1e-3)
    except (TypeError, ValueError):
        return bool(one == other)
