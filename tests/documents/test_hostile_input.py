"""The time to read a source grows with its length, not with the square of it."""

from __future__ import annotations

import time

import pytest

from fillmask_ls import MASK
from fillmask_ls.documents.context import passage
from fillmask_ls.documents.languages.time_limit import time_limit, timer
from fillmask_ls.documents.masks import Target
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


@pytest.mark.parametrize(("language", "unit"), [("org", "#+begin_src\n"), ("org", "*a "), ("yaml", "&a ")])
def test_four_times_as_much_markup_takes_less_than_ten_times_as_long(language: str, unit: str) -> None:
    def seconds(size: int) -> float:
        began = time.thread_time()
        all_prose(unit * (size // len(unit)), language)
        return time.thread_time() - began

    seconds(1_000)
    assert seconds(64_000) < 10 * seconds(16_000)


@pytest.mark.parametrize(("language", "unit"), [("makefile", "a "), ("dockerfile", "${"), ("xml", "<a "), ("lua", "--[[")])
def test_mask_in_text_that_takes_seconds_to_read_is_read_with_its_line(language: str, unit: str) -> None:
    def document(text: str) -> tuple[TextDocument, Target]:
        source = f"{text}\n# The sky is {MASK}.\n{text}"
        start = source.index(MASK)
        return TextDocument("", source, language_id=language), Target(start, start + len(MASK))

    passage(*document("a"))  # imports the lexer
    began = time.thread_time()
    result = passage(*document(unit * (15_000 // len(unit))))
    assert time.thread_time() - began < 0.5
    assert f"The sky is {MASK}." in result.text


def test_time_limit_is_shared_by_timers_and_ends_with_its_block() -> None:
    with time_limit(0.001):
        is_exceeded = timer()
        while not is_exceeded():
            pass
        assert timer()()
    assert not timer()()
