"""One direction only: lsp -> engine -> mlm and lsp -> documents; documents and mlm don't know each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import fillmask_ls

PACKAGE = Path(fillmask_ls.__file__).parent
ALLOWED = {
    "documents": set(),
    "mlm": set(),
    "engine": {"mlm"},
    "lsp": {"engine", "documents"},
}


def imported_rooms(file: Path) -> set[str]:
    """The rooms that a file imports, also inside functions and for types."""
    rooms = set()
    package = ["fillmask_ls", *file.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" for alias in node.names]
        else:
            continue
        rooms |= {name.split(".")[1] for name in names if name.startswith("fillmask_ls.")}
    return rooms & ALLOWED.keys()


@pytest.mark.parametrize("room", ALLOWED)
def test_rooms_know_only_the_rooms_below(room: str) -> None:
    files = list((PACKAGE / room).rglob("*.py"))
    assert files
    for file in files:
        assert imported_rooms(file) <= {room} | ALLOWED[room], file


def test_only_the_checkpoints_resolver_knows_the_embedded_folder() -> None:
    knowing = [
        file.name
        for file in PACKAGE.rglob("*.py")
        if "EMBEDDED" in file.read_text() or '/ "embedded"' in file.read_text()
    ]
    assert knowing == ["checkpoint.py"]


@pytest.mark.parametrize(
    "module",
    [
        "fillmask_ls.lsp.server",
        "fillmask_ls.cli",
        "fillmask_ls.presentation.html",
        "fillmask_ls.mlm.checkpoint",
        "fillmask_ls.documents.context",
    ],
)
def test_what_answers_at_once_does_not_import_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_what_a_bert_needs_does_not_import_transformers() -> None:
    modules = "fillmask_ls.mlm.model, fillmask_ls.mlm.prediction, fillmask_ls.mlm.scoring, fillmask_ls.engine.dispatch"
    code = f"import sys, {modules}; sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
