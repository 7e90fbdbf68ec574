"""The README and the pages in server/docs are right: commands run, output matches, links and files exist."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from fillmask_ls.cli import main
from hub import Hub

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")),
    *sorted((ROOT / "server/docs").glob("*.md")),
    ROOT / "server/training/README.md",
    ROOT / "server/fillmask_ls/embedded/README.md",
    *sorted((ROOT / "client-config").glob("*/README.md")),
]
INSTALLERS = ("pip ", "pipx ", "uv ")

_NUMBER = re.compile(r"(\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)")
_BAR = re.compile("[▏▎▍▌▋▊▉█]+")


def code_blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def shell_commands(page: Path) -> list[str]:
    """Return the commands of all ``sh`` blocks, without installers."""
    lines = [line for block in code_blocks(page, "sh") for line in block.splitlines()]
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [part for part in parts if not part.startswith(INSTALLERS)]


def sessions(page: Path) -> list[tuple[str, str]]:
    """Return each command of the ``console`` blocks, with the output below it."""
    text = "".join(code_blocks(page, "console"))
    parts = [part.partition("\n") for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]]
    return [(command, output) for command, _, output in parts]


def examples(page: Path) -> list[tuple[str, str]]:
    """Return each ``python`` block, with the ``text`` block after it or an empty text."""
    text = page.read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", text, re.MULTILINE | re.DOTALL)


def run(command: str) -> int:
    """Run a ``fillmask-ls`` command in this process, and return its exit code."""
    program, *arguments = shlex.split(command, comments=True)
    assert program == "fillmask-ls"
    return main(arguments)


def assert_same_output(actual: str, shown: str) -> None:
    """Assert that outputs are the same up to the processor's precision; a line ``...`` stands for any lines."""
    lines = iter(actual.splitlines())
    skips = False
    for line in shown.splitlines():
        if line == "...":
            skips = True
            continue
        match = next((each for each in lines if not skips or is_same_line(each, line)), None)
        assert match is not None, f"{line!r} is not in the output:\n{actual}"
        assert is_same_line(match, line), f"{match!r} is shown as {line!r}"
        skips = False
    assert skips or next(lines, None) is None, f"not all of the output is shown:\n{actual}"


def is_same_line(actual: str, shown: str) -> bool:
    """Return whether lines are the same without bars, with numbers that differ by at most 10 % or 0.1."""
    mine, theirs = (_NUMBER.split(" ".join(_BAR.sub("", line).split())) for line in (actual, shown))
    return mine[::2] == theirs[::2] and all(
        float(one.replace(",", "")) == pytest.approx(float(other.replace(",", "")), rel=0.1, abs=0.1)
        for one, other in zip(mine[1::2], theirs[1::2], strict=True)
    )


def test_the_readme_has_at_most_150_lines() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 150


def test_the_two_commands_come_first() -> None:
    first, second = (block.strip() for block in code_blocks(README, "sh")[:2])
    assert re.fullmatch(r'pipx install \. .*uv tool install \.\nfillmask-ls predict ".*\[MASK\].*"', first)
    assert second == "pip install -e '.[test]' && pytest"


@pytest.mark.parametrize("command", [each for each in shell_commands(README) if "download" not in each])
def test_commands_in_the_readme_run(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if command == "pytest":
        pytest.skip("this is pytest")
    (tmp_path / "notes.md").write_text("# Notes\n\nThe *kettle* is on. Would you like a cup of [MASK]?\n")
    monkeypatch.chdir(tmp_path)
    assert run(command) == 0
    assert capsys.readouterr().out


@pytest.mark.process
def test_download_in_the_readme_runs(hub: Hub) -> None:
    [command] = [each for each in shell_commands(README) if "download" in each]
    program, *arguments = shlex.split(command)
    assert program == "fillmask-ls"
    hub.model = arguments[-1]
    done = subprocess.run([sys.executable, "-m", "fillmask_ls", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.strip()) / "model.safetensors").is_file()


@pytest.mark.parametrize(("command", "output"), sessions(README))
def test_sessions_in_the_readme_print_what_is_shown(
    command: str, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command) == 0
    assert_same_output(capsys.readouterr().out, output)


@pytest.mark.parametrize("page", [README, ROOT / "server/docs/python.md"], ids=lambda page: page.name)
def test_python_examples_print_what_is_shown(page: Path) -> None:
    names: dict[str, object] = {}
    for code, output in examples(page):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, names)
        assert_same_output(printed.getvalue(), output)


def test_python_page_lists_every_public_function() -> None:
    from fillmask_ls import mlm

    text = (ROOT / "server/docs/python.md").read_text(encoding="utf-8")
    functions = {name for name in mlm.__all__ if name.islower()}
    assert functions <= set(re.findall(r"`(\w+)`", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{link}: there is no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_exist(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^## Add a request.*?^## ", "", text, flags=re.MULTILINE | re.DOTALL)  # its files don't exist yet
    for name in re.findall(r"`((?:tests|server|client-config)/[\w./-]+)`", text):
        assert (ROOT / name).exists(), f"{name} does not exist"
    for name in re.findall(r"`((?:cli|lsp|engine|mlm|documents|presentation)/[\w./-]+\.py)`", text):
        assert (ROOT / "server/fillmask_ls" / name).exists(), f"{name} does not exist"


def test_architecture_names_every_file() -> None:
    package, text = ROOT / "server/fillmask_ls", (ROOT / "server/docs/architecture.md").read_text(encoding="utf-8")
    folders = set(re.findall(r"`(\w+(?:/\w+)+/)`", text))
    files = {path.relative_to(package).as_posix() for path in package.rglob("*.py") if not path.name.startswith("__")}
    assert not sorted(
        name for name in files if f"`{name}`" not in text and f"{name.rpartition('/')[0]}/" not in folders
    )


def generator() -> ModuleType:
    specification = importlib.util.spec_from_file_location("generate", ROOT / "server/docs/generate.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["settings", "commands"])
def test_generated_pages_are_current(name: str) -> None:
    written = (ROOT / f"server/docs/{name}.md").read_text(encoding="utf-8")
    assert written == getattr(generator(), f"{name}_page")(), "run: python server/docs/generate.py"


def test_readme_counts_the_architectures_that_work() -> None:
    page = (ROOT / "server/docs/models.md").read_text(encoding="utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")][2:]
    count = sum(row[2] == "yes" for row in rows)
    assert f"{count} of the {len(rows)} architectures" in README.read_text(encoding="utf-8")
