"""The mask at a cursor, which is ``|`` in the examples."""

from __future__ import annotations

import pytest

from fillmask_ls.documents import masks
from fillmask_ls.documents.masks import Focus
from fillmask_ls.documents.text import TextDocument

BEFORE = "A line before. [MASK]\n"


def document_and_cursor(marked: str) -> tuple[TextDocument, int]:
    index = marked.index("|")
    return TextDocument("", BEFORE + marked[:index] + marked[index + 1 :]), index + len(BEFORE)


def after_first_line(focus: Focus | None) -> Focus | None:
    return focus and Focus(focus.start + len(BEFORE), focus.end + len(BEFORE), focus.prefix)


@pytest.mark.parametrize(
    ("marked", "focus"),
    [
        ("is [MASK]|", Focus(3, 9)),
        ("is [MASK|]", Focus(3, 9)),
        ("is [|MASK]", Focus(3, 9)),
        ("is [MASK]el|", Focus(3, 9, "el")),
        ("is [MASK]el|ephant", Focus(3, 9, "el")),
        ("is [MASK]don't-|", Focus(3, 9, "don't-")),
        ("is [MASK]É\u0301l|", Focus(3, 9, "É\u0301l")),
        ("[MASK]|[MASK]", Focus(0, 6)),
        ("[MASK][MASK]|", Focus(6, 12)),
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
def test_completion_focus_is_the_mask_before_the_cursor(marked: str, focus: Focus | None) -> None:
    assert masks.mask_before_cursor(*document_and_cursor(marked)) == after_first_line(focus)


@pytest.mark.parametrize(
    ("marked", "focus"),
    [
        ("is |[MASK]", Focus(3, 9)),
        ("is [MA|SK]", Focus(3, 9)),
        ("is [MASK]|", Focus(3, 9)),
        ("[MASK]|[MASK]", Focus(6, 12)),
        ("is| [MASK]", None),
        ("|", None),
    ],
)
def test_a_mask_is_found_at_its_ends_and_inside(marked: str, focus: Focus | None) -> None:
    assert masks.mask_at(*document_and_cursor(marked)) == after_first_line(focus)


@pytest.mark.parametrize(
    ("selected", "focus"),
    [
        ((0, 6), Focus(0, 6)),
        ((3, 9), Focus(0, 6)),
        ((6, 9), Focus(0, 6)),
        ((7, 12), Focus(11, 17)),
        ((7, 20), Focus(11, 17)),
        ((7, 9), None),
        ((7, 24), None),
    ],
)
def test_a_selection_selects_the_mask_at_its_start_or_the_only_one_it_touches(
    selected: tuple[int, int], focus: Focus | None
) -> None:
    document = TextDocument("", "[MASK] and [MASK] or [MASK]")
    assert masks.mask_in_selection(document, selected) == focus


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
def test_a_partial_mask_includes_the_bracket_that_the_editor_closed(marked: str, span: tuple[int, int] | None) -> None:
    expected = span and (span[0] + len(BEFORE), span[1] + len(BEFORE))
    assert masks.partial_mask(*document_and_cursor(marked)) == expected


def test_a_paragraph_is_the_lines_between_two_blank_ones() -> None:
    text = "One\n\nTwo\nthree\n \nFour"
    start, end = masks.paragraph(TextDocument("", text), text.index("three"))
    assert text[start:end] == "Two\nthree"


def test_a_paragraph_has_at_most_a_hundred_lines_in_each_direction() -> None:
    document = TextDocument("", "x\n" * 1000)
    start, end = masks.paragraph(document, 1000)
    assert (document.position(start).line, document.position(end).line) == (400, 599)
