"""Dialects of Markdown in terms of CommonMark: admonitions, tabs, callouts, MDX, MyST."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from fillmask_ls.spans import Span

from .directives import NOT_PROSE, PROSE_ARGUMENT, PROSE_CONTENT, VERSION_ARGUMENT

Replacement = tuple[Span, str]

_LINE = re.compile(r"[^\n]*\n?")
_FENCE = re.compile(r"[ \t>]*(?P<fence>`{3,}|~{3,}|:{3,}|/{3,})[ \t]*(?P<info>[^`\n]*)")
# MkDocs: ``!!! note "Title"``, ``??? note``, ``=== "Tab"``. The content is indented.
_ADMONITION = re.compile(
    r"(?P<indent>[ \t]*)(?P<head>(?:(?:!!!|\?\?\?\+?)(?:[ \t]+[\w-]+)+[ \t]*|===[!+]?[ \t]+(?=\"))\"?)"
    r"(?P<title>[^\"\n]*)(?P<end>\"?[^\n]*)"
)
# GitHub and Obsidian: ``> [!NOTE] Title``.
_CALLOUT = re.compile(r"[ \t]*(?:>[ \t]*)+(?P<head>\[!\w+\][-+]?[ \t]*)(?P<title>[^\n]*)")
_DIRECTIVE = re.compile(r"\{(?P<name>[\w:-]+)\}[ \t]*(?P<title>[^\n]*)")
_CONTAINER = re.compile(r"\{?\.?[\w-]*\}?[ \t|]*(?:\[(?P<title>[^\]\n]*)\]|(?P<title_after>[^{}\n]*))")
_OPTION = re.compile(r"[ \t]*:[\w-]+:")
_IMPORT = re.compile(
    r"(?:import\b[^\n]*['\"][^\n]*['\"];?|export[ \t]+(?:const|let|default|function|\{|\*)[^\n]*)[ \t]*\n?\Z"
)
_CONTENT_INDENT = 4
_CODE_FENCE = "```"
_PROSE_DIRECTIVES = PROSE_ARGUMENT | PROSE_CONTENT | VERSION_ARGUMENT


class _Fence(NamedTuple):
    """An open fence, and what its reader sees in place of the line that closes it; None around code."""

    text: str
    closer: str | None


def simplify(source: str) -> list[Replacement]:
    """Return spans and the CommonMark to read in their place: a title becomes a heading, content is not indented."""
    replacements: list[Replacement] = []
    contents: list[int] = []  # the indents of the admonitions around a line
    fences: list[_Fence] = []
    in_export = in_head = False
    for line in _LINE.finditer(source):
        text, start = line[0].rstrip("\n"), line.start()
        if not text.strip():
            in_export = in_head = False
            continue
        while contents and not _has_indent(text, contents[-1]):
            contents.pop()
        if contents:
            removed = _indent_length(text, contents[-1])
            replacements.append(((start, start + removed), ""))
            text, start = text[removed:], start + removed
        whole_line = start, start + len(text)
        if fences and _closes(text, fences[-1].text):
            closer = fences.pop().closer
            if closer is not None:
                replacements.append((whole_line, closer))
        elif fences and fences[-1].closer in (None, _CODE_FENCE):
            continue
        elif in_export or _IMPORT.match(text):
            in_export = in_export or text.startswith("export")
            replacements.append((whole_line, ""))
        elif in_head and _OPTION.match(text):
            replacements.append((whole_line, ""))
        elif admonition := _ADMONITION.match(text):
            indent = len(admonition["indent"].expandtabs(4)) + _CONTENT_INDENT
            contents.append((contents[-1] if contents else 0) + indent)
            replacements += _heading(admonition, start)
        elif callout := _CALLOUT.match(text):
            replacements += _heading(callout, start)
        elif opener := _FENCE.match(text):
            fence, head = _open_fence(opener, start)
            in_head = fence.closer is not None
            if opener["info"] or opener["fence"][0] in "`~":
                fences.append(fence)
            replacements += head
    return replacements


def _heading(match: re.Match[str], start: int) -> Iterator[Replacement]:
    """Yield what turns the title of an admonition into a heading."""
    head_start, head_end = match.span("head")
    has_title = bool(match["title"].strip())
    yield (start + head_start, start + head_end), "# " if has_title else ""
    if "end" in match.re.groupindex:
        yield (start + match.start("end"), start + match.end("end")), ""


def _open_fence(opener: re.Match[str], start: int) -> tuple[_Fence, list[Replacement]]:
    """Return a fence and what replaces its line. A fence around prose is not read."""
    fence, info = opener["fence"], opener["info"].rstrip()
    fence_start, info_start = start + opener.start("fence"), start + opener.start("info")
    end = info_start + len(info)
    directive = _DIRECTIVE.match(info)
    name = directive["name"].lower() if directive else ""
    if fence[0] in "`~" and name not in _PROSE_DIRECTIVES:
        return _Fence(fence, None), []
    if name in NOT_PROSE:
        return _Fence(fence, _CODE_FENCE), [((fence_start, info_start), _CODE_FENCE)]
    title = (0, 0)
    if directive and name in PROSE_ARGUMENT:
        title = directive.span("title")
    elif directive is None and (container := _CONTAINER.match(info)):
        title = container.span("title" if container["title"] else "title_after")
    title_start, title_end = info_start + title[0], info_start + title[1]
    if title_start == title_end:
        return _Fence(fence, ""), [((fence_start, end), "")]
    return _Fence(fence, ""), [((fence_start, title_start), "# "), ((title_end, end), "")]


def _closes(text: str, fence: str) -> bool:
    stripped = text.strip().lstrip("> \t")
    return stripped.startswith(fence) and not stripped.strip(fence[0])


def _has_indent(text: str, width: int) -> bool:
    expanded = text.expandtabs(4)
    return len(expanded) - len(expanded.lstrip()) >= width


def _indent_length(text: str, width: int) -> int:
    """Return the number of characters that form an indent of ``width`` columns."""
    length = column = 0
    while column < width and text[length : length + 1] in (" ", "\t"):
        column += 4 - column % 4 if text[length] == "\t" else 1
        length += 1
    return length
