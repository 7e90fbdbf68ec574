"""What all commands over many texts share: inputs, formats, files that are continued, and rows that fail."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
from collections.abc import Iterator
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cli.bulk_runs import FAST, MASKED, csv_rows, json_lines
from cli.in_process import RunCommand


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
class TestPipes:
    """A pipe or device is written to, never replaced."""

    @pytest.fixture
    def pipe(self, tmp_path: Path) -> Path:
        path = tmp_path / "pipe"
        os.mkfifo(path)
        return path

    def test_json_goes_into_the_pipe(self, run: RunCommand, pipe: Path) -> None:
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        found = run("score", "The sky is blue.", "-o", str(pipe), "--format", "json", "--overwrite")
        assert (found.code, found.err) == (0, "")
        [record] = json.loads(os.read(reader, 10_000))
        os.close(reader)
        assert record["text"] == "The sky is blue."
        assert pipe.is_fifo()

    @pytest.mark.parametrize("options", [("--format", "parquet"), ("--format", "jsonl", "--resume")])
    def test_what_needs_a_file_is_refused(self, run: RunCommand, pipe: Path, options: tuple[str, ...]) -> None:
        found = run("score", "The sky is blue.", "-o", str(pipe), *options)
        assert (found.code, "is a device or a pipe" in found.err) == (2, True)

    def test_no_table_is_read_from_a_pipe(self, run: RunCommand, pipe: Path) -> None:
        found = run("predict", str(pipe), "--input-format", "csv")
        assert (found.code, "is a device or a pipe. Use - for standard input." in found.err) == (2, True)


class TestInputs:
    def test_lines_of_standard_input_are_texts_of_their_own(self, run: RunCommand) -> None:
        result = run("predict", "-", *FAST, "--format", "jsonl", stdin=f"{MASKED[0]}\r\n\n{MASKED[1]}")
        assert [(record["row"], record["text"]) for record in json_lines(result.out)] == [
            (1, MASKED[0]),
            (3, MASKED[1]),
        ]

    def test_each_line_is_answered_before_the_next_one_arrives(
        self, run: RunCommand, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        seen: list[int] = []

        class Pipe(io.RawIOBase):
            parts = iter([f"{MASKED[0]}\n", f"{MASKED[1]}\n", ""])

            def readable(self) -> bool:
                return True

            def readinto(self, buffer: Any) -> int:
                seen.append(len(printed.getvalue().splitlines()))
                part = next(self.parts).encode()
                buffer[: len(part)] = part
                return len(part)

        printed = io.StringIO()
        run("score", "warm up")
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Pipe())))
        monkeypatch.setattr(sys, "stdout", printed)
        run("predict", "-", *FAST, "--format", "jsonl")
        assert seen == [0, 1, 2]

    def test_a_folder_is_read_in_order_without_hidden_and_binary_files(self, run: RunCommand, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        for name in ("b.md", "a.md", "sub/c.md", ".hidden.md"):
            (tmp_path / name).write_text(MASKED[0])
        (tmp_path / "x.bin").write_bytes(b"\0[MASK]")
        (tmp_path / "none.md").write_text("No mask.")
        records = json_lines(run("predict", str(tmp_path), *FAST, "--format", "jsonl").out)
        assert [Path(record["path"]).relative_to(tmp_path).as_posix() for record in records] == [
            "a.md",
            "b.md",
            "sub/c.md",
        ]

    def test_a_pattern_names_files(self, run: RunCommand, tmp_path: Path) -> None:
        for name in ("b.md", "a.md", "c.txt"):
            (tmp_path / name).write_text(MASKED[0])
        records = json_lines(run("predict", str(tmp_path / "*.md"), *FAST, "--format", "jsonl").out)
        assert [Path(record["path"]).name for record in records] == ["a.md", "b.md"]

    def test_a_pattern_names_each_file_once_where_links_lead_in_a_circle(self, run: RunCommand, tmp_path: Path) -> None:
        (tmp_path / "a").mkdir()
        (tmp_path / "a" / "notes.md").write_text(MASKED[0])
        (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)
        records = json_lines(run("predict", str(tmp_path / "**" / "*.md"), *FAST, "--format", "jsonl").out)
        assert [record["path"] for record in records] == [str(tmp_path / "a" / "notes.md")]

    def test_a_pattern_that_matches_nothing_is_no_text(self, run: RunCommand) -> None:
        result = run("score", "chapters/*.md")
        assert (result.code, result.err) == (2, "fillmask-ls: no such file: chapters/*.md\n")

    def test_a_file_of_lines_can_be_named(self, run: RunCommand, tmp_path: Path) -> None:
        file = tmp_path / "sentences.txt"
        file.write_text(f"{MASKED[0]}\n\n{MASKED[1]}\n")
        records = json_lines(run("predict", str(file), "--input-format", "lines", *FAST, "--format", "jsonl").out)
        assert [(record["row"], record["text"]) for record in records] == [(1, MASKED[0]), (3, MASKED[1])]

    def test_a_table_can_arrive_on_standard_input(self, run: RunCommand) -> None:
        content = json.dumps({"sentence": MASKED[0], "id": 3}) + "\n"
        arguments = ("-", "--input-format", "jsonl", "--text", "sentence", *FAST, "--format", "csv")
        rows = csv_rows(run("predict", *arguments, stdin=content).out)
        assert [(row["sentence"], row["id"], row["rank"]) for row in rows] == [
            (MASKED[0], "3", "1"),
            (MASKED[0], "3", "2"),
        ]

    def test_other_encodings_can_be_named(self, run: RunCommand, tmp_path: Path) -> None:
        for name in ("a.csv", "a.txt"):
            (tmp_path / name).write_bytes("text\nThe café [MASK].\n".encode("latin-1"))
        arguments = ("--encoding", "latin-1", *FAST, "--format", "jsonl")
        [record] = json_lines(run("predict", str(tmp_path / "a.csv"), *arguments).out)
        assert record["text"] == "The café [MASK]."
        [record] = json_lines(run("predict", str(tmp_path / "a.txt"), *arguments).out)
        assert record["column"] == 10

    @pytest.mark.parametrize(
        ("content", "arguments", "message"),
        [
            ("sentence,id\nx,1\n", [], "no column 'text'. Its columns are sentence, id. Name the column with the text"),
            ("sentence,id\nx,1\n", ["--text", "word"], "no column 'word'. Its columns are sentence, id."),
            ("text,id\nx,1\n", ["--id", "number"], "no column 'number'"),
            ("", [], "is empty: it has no columns"),
        ],
    )
    def test_a_wrong_column_is_reported_at_once(
        self, run: RunCommand, tmp_path: Path, content: str, arguments: list[str], message: str
    ) -> None:
        table = tmp_path / "items.csv"
        table.write_text(content)
        result = run("predict", str(table), *arguments, "--model", "/no/such")
        assert (result.code, result.out) == (2, "")
        assert message in result.err

    def test_a_column_without_a_table_is_reported(self, run: RunCommand) -> None:
        result = run("score", "A text.", "--text", "sentence")
        assert (result.code, result.err.count("no input is a table")) == (2, 1)


class TestFormats:
    def test_csv_has_a_row_for_each_candidate(self, run: RunCommand) -> None:
        rows = csv_rows(run("predict", MASKED[2], *FAST, "--format", "csv").out)
        assert [(row["column"], row["rank"]) for row in rows] == [("5", "1"), ("5", "2"), ("20", "1"), ("20", "2")]

    def test_json_is_a_list_also_of_nothing_but_errors(self, run: RunCommand) -> None:
        result = run("predict", "no mask", "--json")
        assert result.code == 1
        assert json.loads(result.out) == [{"text": "no mask", "error": "there is no [MASK]"}]

    @pytest.mark.parametrize("ending", ["csv", "tsv", "jsonl", "json", "parquet"])
    def test_a_file_has_the_format_of_its_ending(
        self, run: RunCommand, table: Path, tmp_path: Path, ending: str
    ) -> None:
        out = tmp_path / f"out.{ending}"
        assert run("predict", str(table), *FAST, "-o", str(out)).code == 1
        records: list[Any]
        match ending:
            case "jsonl":
                records = json_lines(out.read_text())
            case "json":
                records = json.loads(out.read_text())
            case "parquet":
                parquet = pytest.importorskip("pyarrow.parquet")
                records = parquet.read_table(out).to_pylist()
            case _:
                records = list(csv.DictReader(io.StringIO(out.read_text()), delimiter="," if ending == "csv" else "\t"))
        assert sorted({int(record["row"]) for record in records}) == list(range(1, 11))
        assert [record["id"] for record in records if record.get("error")] == ["i4"]
        assert sorted(tmp_path.iterdir()) == sorted(
            [table, out, tmp_path / "hub"] if (tmp_path / "hub").exists() else [table, out]
        )

    def test_parquet_keeps_the_types_of_the_columns_of_parquet(self, run: RunCommand, tmp_path: Path) -> None:
        pyarrow = pytest.importorskip("pyarrow")
        parquet = pytest.importorskip("pyarrow.parquet")
        columns = {
            "text": pyarrow.array([MASKED[0], None]),
            "day": pyarrow.array([date(2024, 2, 29), None]),
            "at": pyarrow.array([datetime(2024, 2, 29, 12, 30, 1, 5, tzinfo=timezone.utc)] * 2),
            "price": pyarrow.array([Decimal("1.50"), Decimal("0.25")]),
            "small": pyarrow.array([1, None], pyarrow.int8()),
            "names": pyarrow.array([["a"], []]),
            "raw": pyarrow.array([b"\xff", None]),
            "nanoseconds": pyarrow.array([123456789, None], pyarrow.time64("ns")),
        }
        table, out = tmp_path / "items.parquet", tmp_path / "out.parquet"
        parquet.write_table(pyarrow.table(columns), table)
        assert run("predict", str(table), *FAST, "--top-k", "1", "-o", str(out)).code == 1
        written = parquet.read_table(out)
        for name in ("text", "day", "at", "price", "small", "names"):
            assert written[name].type == columns[name].type
            assert written[name].to_pylist() == columns[name].to_pylist()
        assert written["raw"].to_pylist() == ["b'\\xff'", None]
        assert written["nanoseconds"].to_pylist() == ["00:00:00.123456789", None]

    def test_a_table_file_can_be_read_again(self, run: RunCommand, table: Path, tmp_path: Path) -> None:
        out = tmp_path / "out.jsonl"
        run("predict", str(table), *FAST, "-o", str(out))
        again = json_lines(run("predict", str(out), *FAST, "--format", "jsonl").out)
        rows = [record["row"] for record in json_lines(out.read_text())]
        assert all(record["row"] == rows[record["fillmask_row"] - 1] for record in again)
        assert {record["fillmask_row"] for record in again} == set(range(1, len(rows) + 1))

    def test_no_column_is_lost_to_a_name_of_ours(self, run: RunCommand, tmp_path: Path) -> None:
        table = tmp_path / "items.csv"
        table.write_text("text,surprisal,model\nA text.,3.5,gpt2\n")
        [row] = csv_rows(run("score", str(table), "--format", "csv").out)
        assert (row["surprisal"], row["model"], row["fillmask_model"]) == ("3.5", "gpt2", "embedded")
        assert float(row["fillmask_surprisal"]) > 0

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["-o", "out.txt"], "can't tell the format of out.txt"),
            (["-o", "no/such/out.csv"], "there is no folder no/such"),
            (["-o", "."], "can't tell the format of ."),
            (["--format", "parquet"], "Parquet can't be printed"),
            (["--resume"], "--resume needs an output file"),
        ],
    )
    def test_an_output_that_can_not_be_written_is_reported_before_any_work(
        self, run: RunCommand, arguments: list[str], message: str
    ) -> None:
        result = run("score", "A text.", *arguments, "--model", "/no/such")
        assert (result.code, result.out) == (2, "")
        assert message in result.err

    def test_the_input_is_never_the_output(self, run: RunCommand, table: Path) -> None:
        before = table.read_bytes()
        result = run("predict", str(table), "-o", str(table), "--overwrite")
        assert (result.code, result.err) == (2, f"fillmask-ls: can't write {table}: it is read, too\n")
        assert table.read_bytes() == before


class TestErrors:
    def test_a_row_that_fails_is_a_record_and_the_others_go_on(self, run: RunCommand, tmp_path: Path) -> None:
        table = tmp_path / "items.jsonl"
        table.write_text(f'{{"text": "{MASKED[0]}"}}\n{{"text": 3}}\n{{\n{{"id": 4}}\n{{"text": "<mask>"}}\n')
        result = run("predict", str(table), *FAST, "--format", "jsonl")
        assert result.code == 1
        right, *wrong = json_lines(result.out)
        assert right["candidates"]
        assert [re.split("[:.] ", record["error"])[0] for record in wrong] == [
            "column 'text' contains no text but 3",
            "the line is not JSON",
            "there is no column 'text'",
            "there is no [MASK]",
        ]
        assert wrong[-1]["error"].endswith("Write [MASK] instead of <mask>")
        assert wrong[2]["id"] == 4

    def test_for_people_an_error_is_a_message_with_the_id(self, run: RunCommand, table: Path) -> None:
        result = run("predict", str(table), "--id", "id", *FAST)
        assert result.code == 1
        assert result.err == f"fillmask-ls: there is no [MASK] in {table}, id i4\n"
        assert result.out.count("word") == 12  # masks in the nine other rows

    def test_strict_stops_and_keeps_the_rows_before(self, run: RunCommand, table: Path, tmp_path: Path) -> None:
        out = tmp_path / "out.jsonl"
        result = run("predict", str(table), *FAST, "-o", str(out), "--strict")
        assert (result.code, result.err) == (1, f"fillmask-ls: there is no [MASK] in {table}, row 4\n")
        assert [record["row"] for record in json_lines(out.read_text())] == [1, 2, 2, 3]

    def test_a_text_that_the_model_fails_at_does_not_take_others_with_it(self, run: RunCommand, tmp_path: Path) -> None:
        table = tmp_path / "items.jsonl"
        long = "word " * 600
        targets = ["tea", long, "milk", "water", long]
        table.write_text("".join(json.dumps({"text": MASKED[0], "word": target}) + "\n" for target in targets))
        result = run("cloze", str(table), "--target", "word", "--format", "jsonl")
        assert ["error" in record for record in json_lines(result.out)] == [False, True, False, False, True]
        assert result.code == 1

    def test_half_of_a_surrogate_pair_is_no_fault(self, run: RunCommand, tmp_path: Path) -> None:
        table = tmp_path / "items.jsonl"
        table.write_text('{"text": "A \\ud83d [MASK]."}\n{"text": "A [MASK]."}\n')
        for name in ("jsonl", "csv"):
            result = run("predict", str(table), *FAST, "--format", name)
            assert "A [MASK]." in result.out
            result.out.encode()


def test_a_long_file_is_read_in_bounded_memory(run: RunCommand, tmp_path: Path, capsys: Any) -> None:
    from fillmask_ls.cli.bulk.documents import whole_prose
    from fillmask_ls.cli.bulk.inputs import find_inputs
    from fillmask_ls.cli.bulk.items import FIRST_BATCH, ItemReader, ReadOptions

    table = tmp_path / "items.jsonl"
    with table.open("w") as file:
        for number in range(20_000):
            file.write(json.dumps({"text": f"text {number} " + "x" * 500}) + "\n")

    def split(*_: Any) -> Iterator[Any]:
        return whole_prose(*_, strip_markup=False)

    import tracemalloc

    tracemalloc.start()
    reader = ItemReader(find_inputs([str(table)]), ReadOptions(split))
    sizes = [len(batch) for batch in reader]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (sum(sizes), max(sizes)) == (20_000, FIRST_BATCH)
    assert reader.position == reader.total == table.stat().st_size
    assert peak < 2_000_000


def test_batches_take_a_second_or_two() -> None:
    from fillmask_ls.cli.bulk.items import MAX_BATCH, MIN_BATCH, ItemReader, ReadOptions

    reader = ItemReader([], ReadOptions(lambda *_: iter(())))
    sizes = []
    for seconds_each in (0.001, 1.0, 0.02):
        for _ in range(8):
            reader.adapt(reader.batch, reader.batch * seconds_each)
        sizes.append(reader.batch)
    assert sizes[:2] == [MAX_BATCH, MIN_BATCH]
    assert 50 <= sizes[2] <= 200
    reader.adapt(1, 0.1)  # the last rows of a table
    assert reader.batch == sizes[2]


@pytest.mark.parametrize("kind", ["lines", "csv", "jsonl"])
def test_a_damaged_file_in_utf_16_is_reported(run: RunCommand, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "items"
    path.write_bytes("text\n".encode("utf-16") + b"b")
    result = run("predict", *FAST, "--input-format", kind, str(path))
    assert result.code == 2
    assert "items is not UTF-16-LE text. Name its --encoding" in result.err


def test_several_documents_are_printed_below_their_paths(run: RunCommand, tmp_path: Path) -> None:
    for name in ("a.md", "b.md"):
        (tmp_path / name).write_text("The cat sat on the [MASK].\n\nThe dog ate the [MASK].\n")
    both = [str(tmp_path / name) for name in ("a.md", "b.md")]
    lines = run("predict", *both, "--top-k", "1").out.splitlines()
    assert [line for line in lines if line in both] == both
    assert both[0] not in run("predict", both[0], "--top-k", "1").out


def test_an_empty_table_is_called_empty(run: RunCommand, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("")
    result = run("predict", str(tmp_path / "t.csv"))
    assert result.code == 2
    assert "t.csv is empty: it has no columns" in result.err
