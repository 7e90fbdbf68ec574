"""Markdown: escaping of untrusted text, and an inspection as a list and a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import regex

from fillmask_ls.presentation.inspection_view import figures, original_text, visible
from fillmask_ls.presentation.percent import percent

if TYPE_CHECKING:
    from fillmask_ls.mlm.results import Inspection

_MAX_ROWS = 50

# Characters that are active only at the beginning of a line, or in an address or an entity, are escaped only there: some
# editors show the backslashes.
_ACTIVE = regex.compile(r"[\\`*_\[\]<>|~$]|^[#+=-]|(?<=^\d+)[.)]|&(?=#?\w+;)|:(?=//)|(?<=\w)\.(?=\p{L})|@(?=\w)")
_SPACE = regex.compile(r"\s+")


def escape_markdown(text: str) -> str:
    """Escape untrusted text for Markdown, in one line."""
    return _ACTIVE.sub(r"\\\g<0>", _SPACE.sub(" ", text).strip())


def inspection_markdown(inspection: Inspection, text: str) -> str:
    """Return the figures of an inspection as a list, then a table of the masked tokens.

    Args:
        inspection: the result of :func:`fillmask_ls.mlm.inspect`.
        text: the text that was inspected.
    """
    lines = [
        f"- **{figure.name}**: {_cell(figure.value)} ({escape_markdown(figure.remark)})"
        for figure in figures(inspection)
    ]
    masked = [token for token in inspection.tokens if token.masked]
    if masked:
        lines += ["", "| | masked | probability | rank | best predictions |", "|--:|:--|--:|--:|:--|"]
    for number, token in enumerate(masked[:_MAX_ROWS], 1):
        probability = "" if token.probability is None else percent(token.probability)
        rank = "" if token.rank is None else f"{token.rank:,}"
        best = ", ".join(f"{_cell(each.token)} {percent(each.probability)}" for each in token.predictions)
        lines.append(f"| {number} | {_cell(original_text(token, text))} | {probability} | {rank} | {best} |")
    if len(masked) > _MAX_ROWS:
        lines += ["", f"The first {_MAX_ROWS} of {len(masked):,} masked tokens."]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return escape_markdown(visible(text))
