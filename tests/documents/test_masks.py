"""Which mask a cursor is at; ``|`` is the cursor."""

from __future__ import annotations

import pytest

from fillmask_ls.documents import masks
from fillmask_ls.documents.masks import Target
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.words import find_masks

BEFORE = "A line before. [MASK]\n"


def cursor(marked: str) -> tuple[TextDocument, int]:
    index = marked.index("|")
    return TextDocument("", BEFORE + marked[:index] + marked[index + 1 :]), index + len(BEFORE)


def moved(target: Target | None) -> Target | None:
    return target and Target(target.start + len(BEFORE), target.end + len(BEFORE), target.prefix)


@pytest.mark.parametrize(
    ("marked", "target"),
    [
        ("is [MASK]|", Target(3, 9)),
        ("is [MASK|]", Target(3, 9)),
        ("is [|MASK]", Target(3, 9)),
        ("is [MASK]el|", Target(3, 9, "el")),
        ("is [MASK]el|ephant", Target(3, 9, "el")),
        ("is [MASK]don't-|", Target(3, 9, "don't-")),
        ("is [MASK]É\u0301l|", Target(3, 9, "É\u0301l")),
        ("[MASK]|[MASK]", Target(0, 6)),
        ("[MASK][MASK]|", Target(6, 12)),
        ("is |[MASK]", None),
        ("is [MASK] |", None),
        ("is [MASK] el|", None),
        ("is [MASK].|", None),
        ("is [MAS|", None),
        ("|", None),
        ("[mask]|", None),
        ("[MASK]" + "x" * 100 + "|", None),
    ],
)
def test_the_mask_that_a_completion_is_for(marked: str, target: Target | None) -> None:
    assert masks.mask_before_cursor(*cursor(marked)) == moved(target)


@pytest.mark.parametrize(
    ("marked", "target"),
    [
        ("is |[MASK]", Target(3, 9)),
        ("is [MA|SK]", Target(3, 9)),
        ("is [MASK]|", Target(3, 9)),
        ("[MASK]|[MASK]", Target(6, 12)),
        ("is| [MASK]", None),
        ("|", None),
    ],
)
def test_the_mask_under_the_pointer(marked: str, target: Target | None) -> None:
    assert masks.mask_at(*cursor(marked)) == moved(target)


@pytest.mark.parametrize(
    ("marked", "span"),
    [
        ("a [|", (2, 3)),
        ("a [|]", (2, 4)),
        ("a [M|", (2, 4)),
        ("a [ma|]", (2, 6)),
        ("a [MASK|", (2, 7)),
        ("a [x|", None),
        ("a [ |", None),
        ("a |", None),
        ("|[", None),
    ],
)
def test_a_mask_that_is_being_typed(marked: str, span: tuple[int, int] | None) -> None:
    expected = span and (span[0] + len(BEFORE), span[1] + len(BEFORE))
    assert masks.partial_mask(*cursor(marked)) == expected


def test_all_masks_of_a_line() -> None:
    assert find_masks("[MASK][MASK] [MASK ] [[MASK]]") == [(0, 6), (6, 12), (22, 28)]
