"""Invariants of any file of any kind: every mask has a passage, whose origins lead to the same characters."""

from __future__ import annotations

import random
import sysconfig
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents.languages import LANGUAGES, MARKUP
from fillmask_ls import MASK
from fillmask_ls.documents.context import passage
from fillmask_ls.documents.masks import Focus
from fillmask_ls.documents.text import TextDocument

REPOSITORY = Path(__file__).parents[2]
MARKED = Path(__file__).parent / "marked"
ENDINGS = {
    ".c", ".cpp", ".css", ".el", ".f90", ".go", ".h", ".html", ".ini", ".ipynb", ".java", ".js", ".json", ".kak", ".lua",
    ".md", ".pl", ".pxd", ".py", ".pyi", ".pyx", ".R", ".rst", ".scm", ".sh", ".svg", ".tcl", ".tex", ".tf", ".toml",
    ".ts", ".txt", ".vim", ".xml", ".xsl", ".yaml", ".yml",
}  # fmt: skip
JOINS = " ."


@lru_cache(maxsize=1)
def own_files() -> list[Path]:
    """Return the repository's own files, and the marker files, which have constructs of every language."""
    folders = ["server", "client-config", "tests/clients", "tests/documents"]
    files = chain(REPOSITORY.glob("*.md"), *((REPOSITORY / folder).rglob("*.*") for folder in folders))
    return sorted(
        path
        for path in files
        if (path.suffix in {*ENDINGS, ".marked"}) and "node_modules" not in path.parts and path.is_file()
    )


def installed_files() -> Iterator[Path]:
    """Yield at most a few hundred files of each kind that are installed with Python."""
    counts: dict[str, int] = {}
    paths = sysconfig.get_paths()
    for path in sorted(chain(Path(paths["stdlib"]).rglob("*.*"), Path(paths["purelib"]).rglob("*.*"))):
        if path.suffix in ENDINGS and path.is_file() and counts.setdefault(path.suffix, 0) < 300:
            counts[path.suffix] += 1
            yield path


def check_mask(text: str, name: str, start: int, end: int) -> None:
    """Put a mask in place of a span of a text, and check its passage."""
    text = text[:start] + MASK + text[end:]
    result = passage(TextDocument(f"file:///{name}", text), Focus(start, start + len(MASK)), tokens=64)
    assert result.document_span(result.focus) == (start, start + len(MASK))
    verbatim: list[int] = []
    for character, origin in zip(result.text, result.origins, strict=False):
        if character == text[origin]:
            verbatim += [origin] if character.isalnum() else []
        elif character not in JOINS:
            # What reads differently stands where its markup starts.
            assert not text[origin].isalnum() or character.isspace()
    assert len(verbatim) == len(set(verbatim))


def read(path: Path) -> tuple[str, str]:
    return path.read_text(encoding="utf-8", errors="replace"), path.name.removesuffix(".marked")


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_origins_lead_to_the_same_characters(data: st.DataObject) -> None:
    text, name = read(data.draw(st.sampled_from(own_files())))
    start = data.draw(st.integers(0, len(text)))
    check_mask(text, name, start, data.draw(st.sampled_from([start, min(len(text), start + 5)])))


@pytest.mark.long
@pytest.mark.timeout(7_200)
def test_origins_lead_to_the_same_characters_in_installed_files() -> None:
    for path in chain(own_files(), installed_files()):
        text, name = read(path)
        rng = random.Random(name)
        for _ in range(8):
            start = rng.randint(0, len(text))
            check_mask(text, name, start, min(len(text), start + rng.choice([0, 5])))


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("language", [*LANGUAGES, "bash", "hcl", "ruby", "rust", "swift", "yaml"])
def test_a_mask_among_many_marks_has_a_passage(language: str) -> None:
    for unit in [
        *MARKUP,
        "[[",
        "{{",
        "${",
        "\\footnote{",
        "- a: ",
        "- ",
        "> ",
        "!!! note\n    ",
        ":::{note}\n",
        "<<EOF\n",
    ]:
        marks = unit * (4_500 // len(unit))
        start = len(marks)
        document = TextDocument("", f"{marks}{MASK}{marks}", language_id=language)
        result = passage(document, Focus(start, start + len(MASK)))
        assert result.document_span(result.focus) == (start, start + len(MASK))
