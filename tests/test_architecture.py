"""The layout of the package: imports go down only, without cycles, and each shared name has one definition.

Each rule is also tested on a tiny package that breaks it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import fillmask_ls
from architecture import Package

ROOT = Path(fillmask_ls.__file__).parent
MAX_LINES = 400
TOP = {"background", "english", "setting_types", "settings", "spans", "words"}
ALLOWED = {
    "background": set(),
    "english": {"words"},
    "spans": set(),
    "words": {"spans"},
    "setting_types": set(),
    "settings": {"setting_types", "words"},
    "documents": {"spans", "words"},
    "mlm": {"english", "spans", "words"},
    "presentation": {"spans", "words", "mlm.results"},
    "engine": {"background", "spans", "words", "mlm"},
    "lsp": {*TOP, "documents", "engine", "presentation"},
    "cli": {*TOP, "documents", "engine", "lsp", "mlm", "presentation"},
    "__main__": {"cli"},
}


@pytest.fixture(scope="module")
def package() -> Package:
    return Package.read(ROOT)


def test_imports_go_down_only(package: Package) -> None:
    assert {package.subpackage(module) for module in package.imports} - {""} == ALLOWED.keys()
    assert package.forbidden_imports(ALLOWED) == set()


def test_there_are_no_import_cycles(package: Package) -> None:
    assert package.cycles() == set()


def test_nothing_in_lsp_imports_the_server(package: Package) -> None:
    assert "fillmask_ls.lsp.server" in package.imports
    assert package.importers("fillmask_ls.lsp.server", within="lsp") == set()


def test_no_module_is_long(package: Package) -> None:
    assert package.long_modules(MAX_LINES) == set()


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("Span", "fillmask_ls.spans"),
        ("replace_spans", "fillmask_ls.spans"),
        ("find_masks", "fillmask_ls.words"),
        ("find_words", "fillmask_ls.words"),
        ("find_sentences", "fillmask_ls.words"),
        ("MASK", "fillmask_ls"),
    ],
)
def test_each_shared_name_has_one_definition(package: Package, name: str, module: str) -> None:
    assert package.definitions(name) == {module}


def test_only_the_checkpoint_module_knows_the_embedded_folder() -> None:
    files = [
        file for file in ROOT.rglob("*.py") if "EMBEDDED" in file.read_text() or '/ "embedded"' in file.read_text()
    ]
    assert [file.name for file in files] == ["checkpoint.py"]


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
def test_modules_needed_at_startup_do_not_import_torch(module: str) -> None:
    code = f"import sys, {module}; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.mark.process
def test_a_bert_is_loaded_without_transformers() -> None:
    modules = "fillmask_ls.mlm.model, fillmask_ls.mlm.prediction, fillmask_ls.mlm.scoring, fillmask_ls.engine.dispatch"
    code = f"import sys, {modules}; sys.exit('transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def make_package(folder: Path, **files: str) -> Package:
    """Write a package; in the files' names, ``__`` separates folders."""
    root = folder / "example"
    for name, text in {"": "", "lsp__": "", "mlm__": "", "documents__": "", **files}.items():
        parts = name.split("__")
        file = root.joinpath(*parts[:-1], f"{parts[-1] or '__init__'}.py")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return Package.read(root)


EXAMPLE_RULES: dict[str, set[str]] = {"lsp": {"mlm.results"}, "mlm": set(), "documents": set()}


@pytest.mark.parametrize(
    "statement",
    [
        "from example.mlm import model",
        "from ..mlm import model",
        "import example.mlm.model",
        "def late():\n    from ..mlm.model import load",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..mlm.model import Model",
    ],
)
def test_a_forbidden_import_is_found(tmp_path: Path, statement: str) -> None:
    package = make_package(tmp_path, mlm__model="load = Model = 1", documents__text=statement)
    assert package.forbidden_imports(EXAMPLE_RULES) == {("example.documents.text", "example.mlm.model")}


def test_one_module_of_a_subpackage_can_be_allowed(tmp_path: Path) -> None:
    package = make_package(tmp_path, mlm__model="x = 1", mlm__results="x = 1", lsp__a="from ..mlm.results import x")
    assert package.forbidden_imports(EXAMPLE_RULES) == set()
    package = make_package(tmp_path, mlm__model="x = 1", mlm__results="x = 1", lsp__a="from ..mlm.model import x")
    assert package.forbidden_imports(EXAMPLE_RULES) == {("example.lsp.a", "example.mlm.model")}


def test_an_import_cycle_is_found_also_for_types_and_inside_functions(tmp_path: Path) -> None:
    package = make_package(
        tmp_path,
        lsp__a="from . import b",
        lsp__b="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from .c import C",
        lsp__c="def late():\n    from .a import x",
        lsp__d="from . import a",
    )
    assert package.cycles() == {frozenset({"example.lsp.a", "example.lsp.b", "example.lsp.c"})}


def test_an_import_of_the_server_inside_lsp_is_found(tmp_path: Path) -> None:
    package = make_package(
        tmp_path, lsp__server="x = 1", lsp__hover="from .server import x", cli="from .lsp import server"
    )
    assert package.importers("example.lsp.server", within="lsp") == {"example.lsp.hover"}


def test_a_long_module_is_found(tmp_path: Path) -> None:
    package = make_package(tmp_path, lsp__a="x = 1\n" * 400, lsp__b="x = 1\n" * 401)
    assert package.long_modules(400) == {"example.lsp.b"}


@pytest.mark.parametrize("definition", ["Span = tuple", "Span: object = tuple", "class Span: ...", "def Span(): ..."])
def test_a_second_definition_is_found_and_an_import_is_not_one(tmp_path: Path, definition: str) -> None:
    package = make_package(tmp_path, spans="Span = tuple", lsp__a=definition, lsp__b="from ..spans import Span")
    assert package.definitions("Span") == {"example.spans", "example.lsp.a"}
