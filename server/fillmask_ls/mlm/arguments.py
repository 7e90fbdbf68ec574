"""Check arguments of the library's functions, so that a wrong one is reported in words."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from numbers import Integral, Real
from operator import index

from fillmask_ls.spans import Span


def check_count(name: str, value: object, least: int = 1) -> None:
    """Check that a value is a whole number, ``least`` or more.

    Raises:
        TypeError: it is not a whole number.
        ValueError: it is below ``least``.
    """
    if not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, not {value!r:.60}")
    if int(value) < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")


def check_base(base: object) -> None:
    """Check the base of a logarithm.

    Raises:
        TypeError: it is not a number.
        ValueError: it is not above 1, or not finite.
    """
    if not isinstance(base, Real):
        raise TypeError(f"base must be a number such as 2 or math.e, not {base!r:.60}")
    if not (float(base) > 1 and isfinite(base)):
        raise ValueError(f"base must be above 1 and finite, not {base}")


def check_spans(name: str, spans: Sequence[Span], length: int | None = None) -> None:
    """Check that spans are pairs of a start and an end.

    Args:
        length: of the text that contains them, if it is known.

    Raises:
        TypeError: one is none.
        ValueError: one is not within the text.
    """
    for span in spans:
        if not _is_span(span):
            raise TypeError(f"{name} must be a list of spans (start, end), but it contains {span!r:.60}")
        if length is not None and not 0 <= span[0] <= span[1] <= length:
            raise ValueError(f"{name} contains {tuple(span)}, but the text has {length} characters")


def check_span(name: str, span: Span) -> None:
    """Check that a span is a pair of a start and an end.

    Raises:
        TypeError: it is none.
    """
    if not _is_span(span):
        raise TypeError(f"{name} must be the word's characters (start, end), not {span!r:.60}")


def _is_span(span: object) -> bool:
    try:
        _start, _end = map(index, span)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        return False
    return True
