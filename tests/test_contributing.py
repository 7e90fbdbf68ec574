"""The worked example of CONTRIBUTING.md, performed on a copy of the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

from wire import Wire

ROOT = Path(__file__).parent.parent
HANDLER = "server/fillmask_ls/lsp/requests/document_link.py"
TABLE = "server/fillmask_ls/lsp/server.py"
TEST = "tests/lsp/requests/test_document_link.py"


@pytest.fixture(scope="module")
def blocks() -> list[str]:
    """The Python blocks of the page: handler, line of the table, test."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory, blocks: list[str]) -> Path:
    """A copy of the repository after the example's three steps."""
    folder = tmp_path_factory.mktemp("repository")
    ignored = ignore_patterns("__pycache__", "benchmarks", "clients", "reliability")
    (folder / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    copytree(ROOT / "server/fillmask_ls", folder / "server/fillmask_ls", ignore=ignore_patterns("__pycache__"))
    copytree(ROOT / "tests", folder / "tests", ignore=ignored)
    copytree(ROOT / "tests/lsp/clients", folder / "tests/lsp/clients")

    handler, line, test = blocks
    (folder / HANDLER).write_text(handler, encoding="utf-8")
    (folder / TEST).write_text(test, encoding="utf-8")
    server = (folder / TABLE).read_text(encoding="utf-8")
    server, imports = re.subn(r"^( +)document_highlight,\n", r"\g<0>\1document_link,\n", server, flags=re.MULTILINE)
    server, lines = re.subn(r"^DOCUMENT_REQUESTS\b.*\{\n", lambda head: head[0] + line, server, flags=re.MULTILINE)
    assert (imports, lines) == (1, 1)
    (folder / TABLE).write_text(server, encoding="utf-8")
    return folder


def run(folder: Path, *command: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(folder / "server")}
    result = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_example_has_a_handler_a_line_and_a_test(blocks: list[str]) -> None:
    assert [len(block.splitlines()) for block in blocks][1] == 1
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert all(f"`{file}`" in page for file in (HANDLER, TABLE, TEST))


@pytest.mark.process
def test_the_request_of_the_example_is_answered(copy: Path) -> None:
    run(copy, "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", TEST, "tests/lsp/test_capabilities.py")


@pytest.mark.process
def test_a_server_process_answers_the_request_of_the_example(copy: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(copy / "server")}
    with Wire(program=[sys.executable, "-m", "fillmask_ls"], env=environment) as wire:
        wire.initialize({"textDocument": {"documentLink": {}}})
        wire.open("Would you like a cup of [MASK]?")
        [link] = wire.request("textDocument/documentLink", {"textDocument": {"uri": "file:///a.txt"}})["result"]
    assert link["range"] == {"start": {"line": 0, "character": 24}, "end": {"line": 0, "character": 30}}


def test_the_code_of_the_example_passes_the_linters(copy: Path) -> None:
    run(copy, "ruff", "check", "--no-cache", HANDLER, TABLE, TEST)
    run(copy, "ruff", "format", "--no-cache", "--check", HANDLER, TABLE, TEST)
