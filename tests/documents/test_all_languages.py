"""Masks in the comments and strings of all languages that Pygments or a grammar knows.

A mask reads as a word at its place would, at the start, in the middle and at the end of each line.
"""

from __future__ import annotations

import pytest
from pygments.lexers import get_all_lexers

from fillmask_ls import MASK
from fillmask_ls.documents.languages import comments
from fillmask_ls.documents.prose import prose_at

LINES = ["The patient was taken to", "the hospital in the old town", "by his brother at night"]
# Before the first line, before each other line, and after the last one.
SYNTAXES = [
    ("# ", "# ", ""), ("#' ", "#' ", ""), ("// ", "// ", ""), ("/// ", "/// ", ""), ("//! ", "//! ", ""), ("; ", "; ", ""),
    (";; ", ";; ", ""), ("% ", "% ", ""), ("-- ", "-- ", ""), ("--- ", "--- ", ""), ("! ", "! ", ""), ("' ", "' ", ""),
    ("REM ", "REM ", ""), ('" ', '" ', ""), ("dnl ", "dnl ", ""), ("/* ", "", " */"), ("/* ", " * ", " */"),
    ("/**\n * ", " * ", "\n */"), ("(* ", "", " *)"), ("{- ", "", " -}"), ("{ ", "", " }"), ("<!-- ", "", " -->"),
    ("--[[ ", "", " ]]"), ("#| ", "", " |#"), ("<# ", "", " #>"), ("#= ", "", " =#"), ("=begin\n", "", "\n=end"),
    ("=pod\n\n", "", "\n\n=cut"), ('"', "", '"'), ("'", "", "'"), ('"""', "", '"""'), ("'''", "", "'''"), ("`", "", "`"),
    ('x = "', "", '"'), ("x = '", "", "'"), ('x = """', "", '"""'), ("x = `", "", "`"), ("[[", "", "]]"),
]  # fmt: skip
POPULAR = [
    "bash", "c", "css", "elixir", "haskell", "hcl", "javascript", "kotlin", "lua", "ocaml", "perl", "python", "r", "ruby",
    "rust", "sql", "swift", "vb.net", "yaml",
]  # fmt: skip
# Too slow for any text, or no language of its own.
EXCLUDED = {"text", "output", "raw"}


def check_language(language: str) -> int:
    """Check all masks in all syntaxes that the language knows; return how many masks."""
    checked = 0
    for first, prefix, last in SYNTAXES:
        source = first + f"\n{prefix}".join(LINES) + f"{last}\n"
        if " ".join(LINES) not in paragraph_at(source, source.index(LINES[1]), language):
            continue  # no comment or string in this language
        for line in LINES:
            words = line.split()
            for number in (0, len(words) // 2, len(words) - 1):
                masked_line = " ".join([*words[:number], MASK, *words[number + 1 :]])
                masked = source.replace(line, masked_line)
                text = " ".join(LINES).replace(line, masked_line)
                assert text in paragraph_at(masked, masked.index(MASK), language), (language, masked)
                checked += 1
    return checked


def paragraph_at(source: str, index: int, language: str) -> str:
    """Return the paragraph at an index of a source; an empty text in code."""
    prose = prose_at(source, index, language)
    position = prose.find(index) if prose else None
    if prose is None or position is None:
        return ""
    return prose.text[prose.text.rfind("\n", 0, position) + 1 :].split("\n")[0]


@pytest.mark.parametrize("language", POPULAR)
def test_masks_in_comments_and_strings_read_as_words_do(language: str) -> None:
    assert check_language(language) > 0


@pytest.mark.parametrize("language", ["bash", "hcl", "javascript", "python", "rust", "yaml"])
def test_masks_read_as_words_do_without_a_grammar(language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comments, "grammar_texts", lambda *_: None)
    assert check_language(language) > 0


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_masks_in_all_languages_of_pygments_read_as_words_do() -> None:
    names = [aliases[0] for _, aliases, *_ in get_all_lexers() if aliases and aliases[0] not in EXCLUDED]
    checked = {name: check_language(name) for name in names}
    assert sum(count > 0 for count in checked.values()) > 300
