"""The time to read a source grows with its length, not with the square of it."""

from __future__ import annotations

import time
from statistics import median

import pytest

from fillmask_ls import MASK
from fillmask_ls.documents.context import passage
from fillmask_ls.documents.languages.time_limit import time_limit, timer
from fillmask_ls.documents.maskable_words import maskable_words
from fillmask_ls.documents.masks import Focus
from fillmask_ls.documents.prose import all_prose
from fillmask_ls.documents.text import TextDocument


@pytest.mark.parametrize(
    ("language", "start", "unit", "end"),
    [
        ("python", 'f"""', "{a}\n", '"""'),
        ("python", "", 'f"{a}"\n', ""),
        ("ruby", '"', "#{a}\n", '"'),
    ],
    ids=["lines-with-code", "strings-with-code", "ruby"],
)
def test_many_interpolations_are_read_in_linear_time(language: str, start: str, unit: str, end: str) -> None:
    source = start + unit * (30_000 // len(unit)) + end
    all_prose(start + unit + end, language)
    began = time.thread_time()
    prose = all_prose(source, language)
    assert time.thread_time() - began < 5
    assert prose.text.count("a") == source.count("{a}")


@pytest.mark.parametrize(("language", "unit"), [("csharp", "{-"), ("julia", '"$('), ("scala", "`")])
def test_text_that_is_no_code_takes_no_more_than_the_limit(language: str, unit: str) -> None:
    all_prose(unit, language)
    began = time.thread_time()
    all_prose(unit * (40_000 // len(unit)), language)
    assert time.thread_time() - began < 2


@pytest.mark.parametrize(("language", "unit"), [("org", "#+begin_src\n"), ("org", "*a "), ("yaml", "&a ")])
def test_four_times_as_much_markup_takes_less_than_ten_times_as_long(language: str, unit: str) -> None:
    def seconds(size: int) -> float:
        began = time.thread_time()
        all_prose(unit * (size // len(unit)), language)
        return time.thread_time() - began

    seconds(1_000)
    few, many = (min(seconds(size) for _ in range(3)) for size in (16_000, 64_000))
    assert many < 10 * few


def test_words_to_mask_are_found_in_linear_time_without_spaces() -> None:
    text = "我" * 200_000
    prose = all_prose(text, "")
    began = time.thread_time()
    assert len(maskable_words(prose, [(0, 1)], text, "")) == 1
    assert time.thread_time() - began < 2


def seconds_to_read(text: str, language: str) -> float:
    """Return the processor time of the passage of a mask in a comment with the text before and after it."""
    source = f"{text}\n# The sky is {MASK}.\n{text}"
    start = source.index(MASK)
    document = TextDocument("", source, language_id=language)
    began = time.thread_time()
    result = passage(document, Focus(start, start + len(MASK)))
    seconds = time.thread_time() - began
    assert MASK in result.text
    return seconds


@pytest.mark.parametrize(
    ("language", "unit"), [("makefile", "a "), ("dockerfile", "${"), ("xml", "<a "), ("lua", "--[[")]
)
def test_mask_in_text_that_takes_seconds_to_read_is_read_with_less(language: str, unit: str) -> None:
    seconds_to_read("a", language)  # imports the lexer
    assert seconds_to_read(unit * (15_000 // len(unit)), language) < 0.5


KINDS = [
    "asciidoc",
    "bash",
    "c",
    "clojure",
    "cpp",
    "csharp",
    "css",
    "dockerfile",
    "elixir",
    "erlang",
    "fsharp",
    "gitcommit",
    "go",
    "haskell",
    "hcl",
    "html",
    "ini",
    "java",
    "javascript",
    "json",
    "jsonc",
    "julia",
    "kotlin",
    "latex",
    "lua",
    "makefile",
    "markdown",
    "ocaml",
    "org",
    "perl",
    "php",
    "plaintext",
    "powershell",
    "python",
    "r",
    "restructuredtext",
    "ruby",
    "rust",
    "scala",
    "scss",
    "sql",
    "svelte",
    "swift",
    "toml",
    "tsx",
    "typescript",
    "typst",
    "vue",
    "xml",
    "yaml",
]
UNITS = [
    "a", "a ", "ab, ", "a:", "a=", "a.b", "a@b.c", "0", "0x", "(", "[", "{", "<", "<a", "<a b=", "<!--", "-->", "<?", "<?php ",
    "<script>", "<%", '"', "'", '"""', '"a', "'a", 'a"b', "`", "```", "*", "**", "*a ", "_", "__ ", "[a", "[a](", "![", "](",
    "$", "$$", "${", "$(", "$(a ", "${a", "#{", "{{", "{%", "%", "%{", "#", "# ", "/*", "//", "--", "--[[", "(*", "{-", "\\",
    "\\a", "\\{", "\\begin{a}", "&", "&a", "&a;", "&#", "!", "!a ", "|", "| a ", "~", "~~", "~r/", "^", ":", "::", ":a:",
    ":a:`", ":- ", ".. ", ".. a::", "=", "==", "=a", "=begin ", "@", "@a", "- ", "> ", "+ ", "1. ", "\t", " ", "<<EOF ",
    'R"(', 'r#"', "#+begin_src ", ";", ",", "http://a", "é", "😀", "\u200b",
]  # fmt: skip


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_passages_in_hostile_text_are_read_in_time() -> None:
    """Each unit again and again, in an endless line and in lines of its own. ``-s`` shows the slowest."""
    times: list[tuple[float, str, str]] = []
    for kind in KINDS:
        seconds_to_read("a", kind)
        for unit in UNITS:
            pieces = (unit, f"{unit}\n")
            times += [(seconds_to_read(piece * (15_000 // len(piece)), kind), kind, piece) for piece in pieces]
    middle = median(seconds for seconds, _, _ in times)
    late = sum(seconds > 0.05 for seconds, _, _ in times) / len(times)
    print(f"{len(times):,} passages: median {1000 * middle:.1f} ms, {late:.2%} above 50 ms")
    print(*sorted(times, reverse=True)[:20], sep="\n")
    assert middle < 0.05
    assert late < 0.05


def test_time_limit_is_shared_by_timers_and_ends_with_its_block() -> None:
    with time_limit(0.001):
        is_exceeded = timer()
        while not is_exceeded():
            pass
        assert timer()()
    assert not timer()()
