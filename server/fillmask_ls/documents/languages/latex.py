"""LaTeX: the text without commands, citations, displayed formulas and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple
from unicodedata import normalize

import regex

from fillmask_ls.spans import Span

from .fragments import Fragment, paragraph_break
from .latex_commands import (
    ACCENTS,
    ARGUMENTS,
    BREAKS,
    ENVIRONMENT_ARGUMENTS,
    FORMULA_ENVIRONMENTS,
    HEADINGS,
    NOT_PROSE_ENVIRONMENTS,
    NOTES,
    SYMBOLS,
)
from .placeholders import PLACEHOLDER, SIMPLE_FORMULA

# Everything but plain text and single commands, matched from left to right as TeX reads it.
_TOKEN = regex.compile(
    r"""(?P<comment>%[^\n]*+(?:\n[ \t]*+(?!\n))?)
    | (?P<hidden>\\iffalse\b.{0,4000}?\\fi\b | ^<<[^\n]*>>=.{0,4000}?^@)
    | \\(?P<edge>begin|end)\s*+\{(?P<environment>[^{}\n]{1,40})\}
    | \\(?:verb\*?|lstinline(?:\[[^\]\n]*\])?|mintinline(?:\[[^\]\n]*\])?\{[^{}\n]*\})
      (?:(?P<bar>[^\w\s*{\\])(?P<verbatim>[^\n]*?)(?P=bar)|\{(?P<braced>[^{}\n]*+)\})
    | (?P<display>\\\[|\$\$) | (?P<inline>\\\()
    | \$(?P<formula>(?:\\.|[^$\\\n]|\n(?!\s*\n)){1,2000}+)\$
    | \\(?P<accent>[`'^~"=.])\s*+(?:\{(?P<letter>\\?\p{L})\}|(?P<letter>\\?\p{L}\b|\p{L}))
    | \\(?P<accent>[uvHckrdb])\s*+\{(?P<letter>\\?\p{L})\}
    | \\(?P<command>[a-zA-Z@]+\*?|.|\n)
    | (?P<special>[{}&~$]|---?|``|'')""",
    re.DOTALL | re.VERBOSE | re.MULTILINE,
)
_FORMULA_BRACKETS = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
_LONGEST_FORMULA = 2_000
_REFERENCE_PLACEHOLDER = "1"
_REFERENCE = re.compile(r"[a-zA-Z]*(?:cite[a-zA-Z]*|(?<!h)ref)\Z", re.IGNORECASE)
_BEFORE_ARGUMENT = regex.compile(r"[ \t]*+\n?[ \t]*+\*?(?=[\[{\\])")
_OPTIONAL = regex.compile(r"[ \t]*+\n?[ \t]*+\*?\[")
_CONTROL_WORD = regex.compile(r"\\[a-zA-Z@]+")
_BRACKETS = {"[": regex.compile(r"[\[\]]|\\.|\n\s*\n"), "{": regex.compile(r"[{}]|\\.|\n\s*\n")}
"""What matters between brackets: brackets, what is escaped, and a blank line, which no argument contains."""
_LONGEST_ARGUMENT = 1_000
_ITEM_LABEL = regex.compile(r"\s*+\[(?P<label>[^\[\]\n]*+)\]")
_TYPOGRAPHIC = {"---": "—", "--": "–", "``": "“", "''": "”", "~": " "}
_PARAMETERS = re.compile(r"[#\d]*")
_COMMENT = re.compile(r"(?<!\\)%")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_LINE_END = re.compile(r"[ \t]*\n(?![ \t]*\n)")
_MIN_DOCUMENTED = 8
_DOCUMENTED = re.compile(r"^%+[ \t]?(?!\s*\n)", re.MULTILINE)


class _Group(NamedTuple):
    """An open brace: whether it contains a heading, and for a note the prose that it interrupts."""

    is_heading: bool = False
    interrupted: list[Fragment] | None = None


def simplify(source: str) -> list[tuple[Span, str]]:
    """Remove the comment signs of a documented source (``.dtx``), where most lines are comments with prose."""
    signs = [(match.span(), "") for match in _DOCUMENTED.finditer(source)]
    return signs if len(signs) > max(_MIN_DOCUMENTED, source.count("\n") / 2) else []


def find_code_block(source: str, index: int) -> tuple[Span, str] | None:
    """Return an empty span without a language if no comment contains ``index``: there is nothing else to read."""
    line_start = source.rfind("\n", 0, index) + 1
    return None if _COMMENT.search(source, line_start, index) else ((index, index), "")


def fragments(source: str) -> Iterator[Fragment]:
    """Yield the prose of a LaTeX text; only simple inline formulas are kept. A note follows its paragraph."""
    return iter(_Reader(source).read())


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._position = 0
        self._prose: list[Fragment] = []
        self._notes: list[list[Fragment]] = []
        self._groups: list[_Group] = []
        self._next_group = _Group()
        self._tables = 0
        self._open_notes = 0

    def read(self) -> list[Fragment]:
        """Return the prose of the source."""
        while (match := _TOKEN.search(self._source, self._position)) is not None:
            self._text(match.start())
            self._position = match.end()
            self._token(match)
        self._text(len(self._source))
        while self._open_notes:  # a note that is cut off
            self._close_group()
        self._break()
        return self._prose

    def _text(self, end: int) -> None:
        """Add the plain text up to ``end``; notes follow at a blank line."""
        blank_line = _BLANK_LINE.search(self._source, self._position, end) if self._notes else None
        if blank_line:
            self._text_up_to(blank_line.start())
            self._break()
        self._text_up_to(end)

    def _text_up_to(self, end: int) -> None:
        if end > self._position:
            self._prose.append(Fragment(self._position, end, self._source[self._position : end]))
            self._position = end

    def _token(self, match: regex.Match[str]) -> None:
        start, end = match.span()
        name = match.lastgroup
        if match["environment"]:
            self._environment(match["edge"] == "begin", match["environment"])
        elif match["verbatim"] is not None or match["braced"] is not None:
            self._verbatim(*match.span("verbatim" if match["verbatim"] is not None else "braced"), end)
        elif match["formula"] is not None:
            self._formula(start, *match.span("formula"), end)
        elif name in ("display", "inline"):
            self._bracketed_formula(start, match[0])
        elif name in ("comment", "hidden"):
            self._replace(start, " " if name == "hidden" else "")
        elif match["accent"]:
            letter = match["letter"].lstrip("\\")
            self._replace(start, normalize("NFC", letter + ACCENTS[match["accent"]]))
        elif match["command"]:
            self._command(start, match["command"])
        else:
            self._special(start, match["special"])

    def _replace(self, start: int, text: str) -> None:
        self._prose.append(Fragment(start, self._position, text))

    def _verbatim(self, start: int, end: int, token_end: int) -> None:
        self._prose.append(Fragment(start, end, self._source[start:end]))
        self._position = token_end

    def _formula(self, token_start: int, start: int, end: int, token_end: int) -> None:
        self._position = token_end
        if SIMPLE_FORMULA.match(self._source[start:end]):
            self._verbatim(start, end, token_end)
        else:
            self._replace(token_start, PLACEHOLDER)

    def _bracketed_formula(self, token_start: int, opener: str) -> None:
        """Read a formula up to its closing bracket; a bracket without one in its paragraph is left out."""
        start, closer = self._position, _FORMULA_BRACKETS[opener]
        end = self._source.find(closer, start, start + _LONGEST_FORMULA)
        if end < 0 or _BLANK_LINE.search(self._source, start, end):
            self._replace(token_start, "")
        elif closer == "\\)":
            self._formula(token_start, start, end, end + len(closer))
        else:
            self._position = end + len(closer)
            self._replace(token_start, " ")
            self._skip_line_end()

    def _environment(self, begins: bool, name: str) -> None:
        plain_name = name.rstrip("*")
        if begins and (plain_name in NOT_PROSE_ENVIRONMENTS or plain_name in FORMULA_ENVIRONMENTS):
            closer = f"\\end{{{name}}}"
            end = self._source.find(closer, self._position)
            start, self._position = self._position, len(self._source) if end < 0 else end + len(closer)
            if plain_name in FORMULA_ENVIRONMENTS:
                self._replace(start, " ")
                self._skip_line_end()
                return
        if plain_name.startswith(("tab", "longtab", "xltab", "supertab")) or plain_name == "array":
            self._tables = max(0, self._tables + (1 if begins else -1))
        if begins:
            self._skip_arguments(ENVIRONMENT_ARGUMENTS.get(name, ENVIRONMENT_ARGUMENTS.get(plain_name, 0)))
        self._break()

    def _command(self, start: int, command: str) -> None:
        name = command.rstrip("*") or command
        if command == "\\":
            self._skip_arguments(0)
            if self._tables:
                self._break()
            else:
                self._replace(start, " ")
        elif name == "item":
            self._item()
        elif name in SYMBOLS:
            self._replace(start, SYMBOLS[name])
        elif _REFERENCE.match(name):
            self._skip_arguments(1)
            if name.lower().endswith("ref"):
                self._replace(start, _REFERENCE_PLACEHOLDER)
            else:
                self._drop_space()
        elif name in ("def", "let", "gdef", "edef"):
            self._definition()
        else:
            self._skip_arguments(ARGUMENTS.get(name, 0))
            if name == "url":
                self._drop_space()
            if name in HEADINGS or name in BREAKS:
                self._break()
            if name in NOTES:
                self._next_group = _Group(interrupted=self._prose)
            elif name in HEADINGS:
                self._next_group = _Group(is_heading=True)

    def _drop_space(self) -> None:
        """Leave out the space before something that is left out, if punctuation follows it."""
        if self._source[self._position : self._position + 1] in set(",.;:!?)") and self._prose:
            start, end, text = self._prose[-1]
            stripped = text.rstrip()
            self._prose[-1] = Fragment(start, start + len(stripped) if len(text) == end - start else end, stripped)

    def _skip_line_end(self) -> None:
        """Skip one line end, so that those on both sides of a formula are not a blank line."""
        line_end = _LINE_END.match(self._source, self._position)
        self._position = line_end.end() if line_end else self._position

    def _item(self) -> None:
        self._break()
        label = _ITEM_LABEL.match(self._source, self._position)
        if label:
            self._verbatim(*label.span("label"), label.end())
            self._prose.append(Fragment(label.end(), label.end(), " "))

    def _definition(self) -> None:
        """Skip a definition of TeX: its name, its parameters and its text."""
        for _ in range(2):
            start, end = self._argument()
            self._position = end
            if self._source.startswith("{", start):
                break
            parameters = _PARAMETERS.match(self._source, end)
            self._position = parameters.end() if parameters else end

    def _skip_arguments(self, count: int) -> None:
        """Skip optional arguments, and ``count`` arguments with optional ones between them."""
        while count or _OPTIONAL.match(self._source, self._position):
            start, end = self._argument()
            if end == start:
                return
            is_optional = self._source.startswith("[", start)
            self._position, count = end, count - (not is_optional)

    def _argument(self) -> Span:
        """Return the span of the next argument with its brackets; an empty span without one."""
        before = _BEFORE_ARGUMENT.match(self._source, self._position)
        start = before.end() if before else self._position
        word = _CONTROL_WORD.match(self._source, start)
        if not before or word:
            return (start, word.end()) if before and word else (self._position, self._position)
        end = self._ends[self._source[start]].get(start) if self._source[start] in self._ends else None
        if end is None or end - start > _LONGEST_ARGUMENT:
            return self._position, self._position
        return start, end

    @cached_property
    def _ends(self) -> dict[str, dict[int, int]]:
        """The end of each pair of brackets by its start, for each kind of bracket; none is closed in another paragraph."""
        return {opener: _bracket_ends(self._source, opener) for opener in _BRACKETS}

    def _special(self, start: int, text: str) -> None:
        if text == "{":
            group, self._next_group = self._next_group, _Group()
            self._groups.append(group)
            if group.interrupted is not None:
                self._prose = []
                self._open_notes += 1
        elif text == "}":
            if self._groups:
                self._close_group()
        elif text == "&":
            self._break()
        else:
            self._replace(start, _TYPOGRAPHIC.get(text, ""))

    def _close_group(self) -> None:
        group = self._groups.pop()
        if group.interrupted is not None:
            self._open_notes -= 1
            self._notes.append(self._prose)
            self._prose = group.interrupted
        elif group.is_heading:
            self._break()

    def _break(self) -> None:
        """End the paragraph; outside a note, its notes follow."""
        self._prose.append(paragraph_break(self._position))
        if self._notes and not self._open_notes:
            for note in self._notes:
                self._prose += [*note, paragraph_break(self._position)]
            self._notes = []


def _bracket_ends(source: str, opener: str) -> dict[int, int]:
    """Return the end of each pair of brackets by its start."""
    ends: dict[int, int] = {}
    starts: list[int] = []
    for match in _BRACKETS[opener].finditer(source):
        text = match[0]
        if text == opener:
            starts.append(match.start())
        elif len(text) == 1 and starts:
            ends[starts.pop()] = match.end()
        elif text.startswith("\n"):
            starts.clear()
    return ends
