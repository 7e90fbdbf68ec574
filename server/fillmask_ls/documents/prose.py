"""The prose of a source, by its language, and how it reads without markup."""

from __future__ import annotations

import logging
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import regex

from fillmask_ls import MASK
from fillmask_ls.spans import Span, replace_spans

from .chunks import LINE_END
from .languages.fragments import Fragment
from .languages.registry import find_code_block, is_code, markup_reader, simplify
from .languages.time_limit import TimeLimitError, time_limit

_log = logging.getLogger(__name__)

# The processor time that reading all of a source may take: ten times what ordinary code takes.
_MAX_SECONDS = 0.04
_MAX_SECONDS_PER_CHARACTER = 3e-5

_WHITESPACE = re.compile(r"\s(?:(?<=\n)|(?=\s))\s*")
_BLANK_LINE = regex.compile(r"(?:\r\n|\r(?!\n)|\n)[^\S\r\n]*(?:\r\n|\r|\n)")
_BLANK = regex.compile(r"\s")
_CODE_LINE = regex.compile(
    r"(?:(?<=[\r\n])|\A)(?:[ \t]*(?:async[ \t]+)?(?:def|class)[ \t].*[:)]|[ \t]*(?:end|fi|done|esac)|\(def.*"
    r"|[^#\r\n]*[;{}])[ \t]*(?=[\r\n])"
)


_FENCE = regex.compile(r"^[ \t>]*(?:`{3,}|~{3,})[ \t]*(?P<info>[^\s`]?)[^\r\n]*", regex.MULTILINE)


@dataclass(frozen=True, slots=True)
class Prose:
    """Plain text, one paragraph per line.

    Attributes:
        text: without blank lines, and without whitespace at the ends of its lines.
        origins: for each character, the source's index of the character or markup that it comes from. They increase,
            except that a note follows the paragraph that it interrupts.
    """

    text: str
    origins: Sequence[int]

    def find(self, index: int) -> int | None:
        """Return the index in the text of the source's character at ``index``; None if it is not prose."""
        try:
            position = self.origins.index(index)
        except ValueError:
            return None
        # Whitespace that the source doesn't contain has the origin of the character after it.
        while self.text[position].isspace() and self.origins[position + 1 : position + 2] == [index]:
            position += 1
        return position


def all_prose(source: str, language: str, *, seconds: float | None = None) -> Prose:
    """Return all prose of a source; in code, its comments and strings. A failure is logged and returns no prose.

    Args:
        language: from :func:`~fillmask_ls.documents.languages.registry.find_language`.
        seconds: the processor time that it may take; by default, by the length of the source.
    """
    try:
        with time_limit(_MAX_SECONDS + _MAX_SECONDS_PER_CHARACTER * len(source) if seconds is None else seconds):
            lexer_input = _LexerInput(source, language)
            return lexer_input.prose(_all_fragments(lexer_input.text, language))
    except Exception as error:
        _log_failure(language, error)
        return Prose("", [])


def prose_at(source: str, index: int, language: str) -> Prose | None:
    """Return the prose that contains the mask or word at ``index``; None in code, or after a failure, which is logged.

    Args:
        source: a document, or a part of it.
        language: from :func:`~fillmask_ls.documents.languages.registry.find_language`.

    Raises:
        TimeLimitError: reading exceeds the :func:`~fillmask_ls.documents.languages.time_limit.time_limit` around it.
    """
    try:
        lexer_input = _LexerInput(source, language)
        for fragments in _alternatives(lexer_input.text, lexer_input.find(index), language):
            prose = lexer_input.prose(fragments)
            if _contains(prose, source, index):
                return prose
    except TimeLimitError:
        raise
    except Exception as error:
        _log_failure(language, error)
    return None


def reading_start(source: str, language: str) -> tuple[int, bool]:
    """Return where to start reading a source that was cut off at its start, and whether no comment can be open there.

    In code, that is a line that looks like code: from inside a docstring, a lexer would take strings for code and code
    for strings. Otherwise it is the first paragraph, line or word.
    """
    fence = _fence_around(source) if language == "markdown" else None
    if fence is not None:
        return fence, True
    reads_code = is_code(language)
    code_line = _CODE_LINE.search(source) if reads_code else None
    if code_line:
        return code_line.start(), True
    boundary = _BLANK_LINE.search(source) or LINE_END.search(source) or _BLANK.search(source)
    return boundary.end() if boundary else 0, not reads_code


def _fence_around(source: str) -> int | None:
    """Return the end of the code block in which a Markdown source starts; None if it starts in prose.

    Only a fence that opens a block can name a language.
    """
    fences = list(_FENCE.finditer(source))
    starts_in_code = len(fences) > 1 and not fences[0]["info"] and bool(fences[1]["info"])
    return fences[0].end() if starts_in_code else None


def join_fragments(fragments: Iterable[Fragment]) -> Prose:
    """Return the prose that consecutive fragments form."""
    parts: list[str] = []
    origins: list[int] = []
    for start, end, text in fragments:
        parts.append(text)
        origins += range(start, end) if len(text) == end - start else [start] * len(text)
    return _normalize_whitespace("".join(parts), origins)


def is_verbatim(text: str, span: Span, origins: Sequence[int], source: str) -> bool:
    """Return whether the source contains a span of ``text`` letter by letter, not as a formula, number or entity."""
    return all(source[origins[index] : origins[index] + 1] == text[index] for index in range(*span))


def find_verbatim(prose: Prose, spans: Iterable[Span], source: str) -> list[Span]:
    """Return the spans in the source of those spans of its prose that have no markup inside."""
    candidates = [((prose.origins[start], prose.origins[end - 1] + 1), prose.text[start:end]) for start, end in spans]
    return [(low, high) for (low, high), text in candidates if source[low:high] == text]


def _contains(prose: Prose, source: str, index: int) -> bool:
    """Return whether prose contains the mask or the character of a word at ``index`` of its source, letter by letter."""
    start = prose.find(index)
    if start is None:
        return False
    end = start + (len(MASK) if source.startswith(MASK, index) else 1)
    expected = range(index, index + end - start)
    return list(prose.origins[start:end]) == list(expected) and is_verbatim(
        prose.text, (start, end), prose.origins, source
    )


def _log_failure(language: str, error: Exception) -> None:
    """Log the kind of a failure; its message could quote the document."""
    if isinstance(error, TimeLimitError):
        _log.info("Reading the prose of %s takes too long.", language)
        return
    _log.error("Reading the prose of %s failed: %s", language or "plain text", type(error).__name__)


def _normalize_whitespace(text: str, origins: list[int]) -> Prose:
    """Return text with a line end between paragraphs and single spaces elsewhere."""
    parts: list[str] = []
    kept_origins: list[int] = []
    start = len(text) - len(text.lstrip())
    end = len(text.rstrip())
    for whitespace in _WHITESPACE.finditer(text, start, max(start, end)):
        parts += [text[start : whitespace.start()], "\n" if whitespace[0].count("\n") > 1 else " "]
        kept_origins += origins[start : whitespace.start() + 1]
        start = whitespace.end()
    parts.append(text[start:end])
    kept_origins += origins[start:end]
    return Prose("".join(parts), kept_origins)


class _LexerInput:
    """A source in the form that every lexer reads well.

    Its line ends are line feeds, few blank lines follow one another, letters replace its masks, and what its language
    leaves out is missing.
    """

    # Lexers take the brackets of a mask for markup, so one of these letters replaces its characters.
    _LETTERS = "ℳℒℋℛℰ"
    # CR before LF; and all but two of many blank lines, for which many lexers take quadratic time.
    _LEFT_OUT = (regex.compile(r"\r(?=\n)"), regex.compile(r"[\r\n](?:[ \t]*+[\r\n]){2}\K(?:[ \t]*+[\r\n])++"))

    def __init__(self, source: str, language: str) -> None:
        unused = next((letter for letter in self._LETTERS if letter not in source), self._LETTERS[0])
        self._source = source
        self._mask_letters = unused * len(MASK)
        self._origins: Sequence[int] = range(len(source))
        self.text = source
        for pattern in self._LEFT_OUT:
            self._replace([(match.span(), "") for match in pattern.finditer(self.text)])
        self.text = self.text.replace("\r", "\n").replace(MASK, self._mask_letters)
        self._replace(simplify(self.text, language))

    def _replace(self, replacements: list[tuple[Span, str]]) -> None:
        if replacements:
            self._origins = _replace_origins(self._origins, replacements)
            self.text = replace_spans(self.text, replacements)

    def find(self, index: int) -> int:
        """Return the index in :attr:`text` of the source's character at ``index``."""
        return bisect_left(self._origins, index)

    def prose(self, fragments: Iterable[Fragment]) -> Prose:
        """Return the prose of fragments of :attr:`text`, with the source's masks and indexes."""
        prose = join_fragments(fragments)
        origins = prose.origins
        if not isinstance(self._origins, range):  # else nothing was left out
            origins = [self._origins[index] for index in origins]
        text = prose.text.replace(self._mask_letters, MASK)
        if self._mask_letters[0] in text and self._mask_letters[0] not in self._source:  # a part of a mask
            text = "".join(
                self._source[origin] if character == self._mask_letters[0] else character
                for character, origin in zip(text, origins, strict=True)
            )
        return Prose(text, origins)


def _replace_origins(origins: Sequence[int], replacements: Iterable[tuple[Span, str]]) -> list[int]:
    """Return the origins of a text with replaced spans: a text in place of a span has the origins of its start."""
    kept: list[int] = []
    copied = 0
    for (start, end), text in replacements:
        kept += origins[copied : start + len(text)]
        copied = end
    return kept + list(origins[copied:])


def _all_fragments(source: str, language: str) -> Iterable[Fragment]:
    if not language:
        return [Fragment(0, len(source), source)]
    read_markup = markup_reader(language)
    if read_markup:
        return read_markup(source)
    from .languages import comments

    return comments.fragments(source, language)


def _alternatives(source: str, index: int, language: str) -> Iterator[Iterable[Fragment]]:
    """Yield the fragments around ``index``: as markup, then as code."""
    if not language or markup_reader(language):
        yield _all_fragments(source, language)
    if language:
        from .languages import comments

        code_block = find_code_block(source, index, language)
        if code_block is None:
            yield comments.fragments_around(source, index, language)
        elif code_block[1]:
            (offset, end), code = code_block
            for fragments in _alternatives(source[offset:end], index - offset, code):
                yield (Fragment(offset + start, offset + stop, text) for start, stop, text in fragments)
