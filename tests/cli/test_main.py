"""Usage, messages and exit codes of every command."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from cli.in_process import RunCommand
from fillmask_ls import __version__
from fillmask_ls.cli import main
from fillmask_ls.cli.errors import escape_controls

TEXT = "The patient was taken to the [MASK] by ambulance."


def test_version(run: RunCommand) -> None:
    assert run("--version").out == f"fillmask-ls {__version__}\n"


def test_help_has_examples_and_exit_codes(run: RunCommand) -> None:
    result = run("--help")
    assert result.code == 0
    assert "examples:\n  fillmask-ls predict " in result.out
    assert "exit codes:" in result.out


@pytest.mark.parametrize(
    ("arguments", "command", "message"),
    [
        (["predict"], "predict", "required: INPUT"),
        (["predict", TEXT, "--top-k", "0"], "predict", "argument --top-k: '0' is not a whole number from 1 to 1000"),
        (["predict", TEXT, "--nonsense"], "predict", "unknown arguments: --nonsense"),
        (["inspect", "x", "--rate", "2"], "inspect", "argument --rate: '2' is not a number from 0 to 1"),
        (["score", "x", "--base", "3"], "score", "argument --base: '3' is not 2, e or 10"),
        (["score", "x", "--encoding", "klingon"], "score", "'klingon' is not an encoding"),
        (["score", "x", "--encoding", "base64"], "score", "'base64' is not an encoding of text"),
        (["score", "x", "--encoding", "idna"], "score", "'idna' is not an encoding of text"),
        (["cloze", "x", "--targets", "a,,b"], "cloze", "'a,,b' is not a list of names"),
        (["fill", "x", "--resume", "--overwrite"], "fill", "not allowed with argument --resume"),
        (["nonsense"], "", "argument COMMAND: invalid choice: 'nonsense'"),
        (["predict", TEXT, "--topk=3"], "predict", "unknown arguments: --topk=3. Did you mean --top-k?"),
        (["--nonsense"], "", "unknown arguments: --nonsense"),
        (["--tcp", "70000"], "", "'70000' is not [HOST:]PORT"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_help_of_the_command(
    run: RunCommand, arguments: list[str], command: str, message: str
) -> None:
    result = run(*arguments)
    assert (result.code, result.out) == (2, "")
    assert message in result.err
    assert result.err.endswith(f" See '{f'fillmask-ls {command}'.strip()} --help'.\n")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize("model", ["/no/such", "no/such", "~nobody/x", "x" * 300])
@pytest.mark.parametrize("command", ["predict", "inspect"])
def test_a_model_that_is_not_found_exits_with_3(run: RunCommand, command: str, model: str) -> None:
    result = run(command, TEXT, "--model", model)
    assert (result.code, result.out) == (3, "")
    assert result.err.startswith(f"fillmask-ls: model {model!r}")
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(("name", "saved_as"), [("items.XLSX", "CSV (UTF-8)"), ("letter.docx", "plain text (UTF-8)")])
def test_a_file_of_an_office_program_is_refused(run: RunCommand, tmp_path: Path, name: str, saved_as: str) -> None:
    (tmp_path / name).write_text(TEXT)
    result = run("predict", str(tmp_path / name))
    assert (result.code, result.out) == (2, "")
    assert result.err.endswith(f"{name} is not a text file. Save it as {saved_as} and give that file.\n")


@pytest.mark.parametrize("command", ["predict", "inspect"])
class TestInput:
    """Files and standard input that cannot be read: one line and exit code 2."""

    @pytest.mark.parametrize("argument", ["nosuch.md", "./nosuch", "no/such/file", "nosuch.ipynb", r"C:\nosuch"])
    def test_a_path_that_does_not_exist_is_not_taken_for_a_text(
        self, run: RunCommand, command: str, argument: str
    ) -> None:
        result = run(command, argument)
        assert (result.code, result.out, result.err) == (2, "", f"fillmask-ls: no such file: {argument}\n")

    def test_an_empty_folder_is_reported(self, run: RunCommand, command: str, tmp_path: Path) -> None:
        result = run(command, str(tmp_path))
        assert (result.code, result.out) == (2, "")
        assert result.err == f"fillmask-ls: there are no text files in the folder {tmp_path}\n"

    def test_a_file_that_is_not_utf8_is_reported(self, run: RunCommand, command: str, tmp_path: Path) -> None:
        file = tmp_path / "x.bin"
        file.write_bytes(b"\xff\x00[MASK]")
        result = run(command, str(file))
        assert (result.code, result.out) == (2, "")
        assert result.err == f"fillmask-ls: {file} is not UTF-8 text (byte 0). Name its --encoding, or convert it.\n"

    def test_standard_input_that_is_not_utf8_is_reported(self, run: RunCommand, command: str) -> None:
        result = run(command, "-", stdin=b"[MASK]\xff")
        assert result.code == 1
        assert result.err == "fillmask-ls: standard input, row 1: the line is not UTF-8. Name its --encoding.\n"

    def test_closed_standard_input_is_reported(
        self, run: RunCommand, command: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "stdin", None)
        result = run(command, "-")
        assert (result.code, result.out) == (2, "")
        assert result.err == "fillmask-ls: can't read standard input: it is closed\n"


class FullDisk(io.RawIOBase):
    """A file that nothing can be written to."""

    def writable(self) -> bool:
        return True

    def write(self, _: object) -> int:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    "arguments",
    [
        ["predict", TEXT],
        ["predict", TEXT, "--json"],
        ["inspect", "A text."],
        ["inspect", "A text.", "--json"],
        ["score", "A text."],
        ["score", "A text.", "--format", "csv"],
        ["cloze", TEXT, "--targets", "hospital"],
        ["fill", TEXT],
        ["mask", "A text."],
        ["download", "embedded"],
        ["--version"],
        ["predict", "--help"],
    ],
    ids=" ".join,
)
def test_output_that_cannot_be_written_exits_with_2(
    run: RunCommand, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    full = io.TextIOWrapper(io.BufferedWriter(FullDisk()))
    monkeypatch.setattr(sys, "stdout", full)
    result = run(*arguments)
    assert result.code == 2
    assert result.err == "fillmask-ls: can't write to standard output: No space left on device\n"


@pytest.mark.parametrize("arguments", [["predict", TEXT], ["inspect", "A text."], ["download", "no/such"]])
def test_closed_standard_output_is_reported_before_any_work(
    capsys: pytest.CaptureFixture[str], arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert main(arguments, load_model=lambda _: pytest.fail("a model was loaded")) == 2
    assert capsys.readouterr().err == "fillmask-ls: can't write to standard output: it is closed\n"


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_language_server_without_standard_streams_is_reported(
    capsys: pytest.CaptureFixture[str], stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, stream, None)
    assert main([]) == 2
    assert capsys.readouterr().err == "fillmask-ls: can't serve: standard input or output is closed\n"


@pytest.mark.parametrize("is_open", [False, True])
def test_a_message_that_cannot_be_written_keeps_the_exit_code(is_open: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    full = io.TextIOWrapper(io.BufferedWriter(FullDisk()))
    monkeypatch.setattr(sys, "stderr", full if is_open else None)
    assert main(["predict", "no mask"]) == 1


class PanicException(BaseException):
    """As a panic in a Rust extension arrives."""


@pytest.mark.parametrize("exception", [ValueError, PanicException])
def test_an_unexpected_exception_is_one_line_and_exits_with_4(
    capsys: pytest.CaptureFixture[str], exception: type[BaseException]
) -> None:
    def fail(_: str) -> None:
        raise exception("first\nsecond")

    assert main(["predict", TEXT], load_model=fail) == 4  # type: ignore[arg-type]
    message = f"fillmask-ls: internal error, please report it: {exception.__name__}: first\n"
    assert capsys.readouterr().err == message


def test_an_interrupt_exits_with_130(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    assert main(["predict", TEXT], load_model=interrupt) == 130  # type: ignore[arg-type]
    assert capsys.readouterr().err == ""


class TestControlCharacters:
    """Nothing in a message acts on the terminal, wherever it comes from."""

    EVIL = "\x1b[31m\x9b2J\x07\u202e"

    @pytest.mark.parametrize(
        "arguments",
        [
            ["predict", f"./{EVIL}.md"],
            ["predict", TEXT, "--model", EVIL],
            ["predict", TEXT, "--top-k", EVIL],
            ["predict", TEXT, f"--{EVIL}"],
            ["inspect", "A text.", "--html", f"/no/such/{EVIL}/x"],
            ["download", f"/{EVIL}"],
            [EVIL],
            [f"--{EVIL}"],
        ],
    )
    def test_of_arguments_are_escaped(self, run: RunCommand, arguments: list[str]) -> None:
        result = run(*arguments)
        assert result.code in (2, 3)
        assert result.out == ""
        assert "\\x1b" in result.err
        assert all(line.isprintable() for line in result.err.split("\n"))

    def test_of_file_names_are_escaped(self, run: RunCommand, tmp_path: Path) -> None:
        file = tmp_path / "\x1b[31m.txt"
        file.write_text("no mask")
        result = run("predict", str(file))
        assert result.err == f"fillmask-ls: there is no [MASK] in {tmp_path}/\\x1b[31m.txt\n"

    def test_of_a_checkpoints_own_fields_are_escaped(self, run: RunCommand, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_text('{"model_type": "evil"}')
        (tmp_path / "vocab.txt").write_text("x")
        (tmp_path / "model.safetensors.index.json").write_text('{"weight_map": {"a": "\\u001b[31m.safetensors"}}')
        result = run("predict", TEXT, "--model", str(tmp_path))
        assert result.code == 3
        assert "\\x1b" in result.err
        assert "\x1b" not in result.err

    def test_escaped_text_is_one_line(self) -> None:
        assert escape_controls("a\r\nb\u2028c\x1b[2J") == r"a\r\nb\u2028c\x1b[2J"

    def test_letters_of_any_script_are_not_escaped(self) -> None:
        assert escape_controls("/home/zoë/日本 😀.md") == "/home/zoë/日本 😀.md"
