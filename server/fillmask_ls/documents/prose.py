"""Which characters of a source are prose, by its language, and how they read without their markup."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from posixpath import basename
from urllib.parse import unquote

import regex

from fillmask_ls import MASK

from .languages import Piece

_GAP = re.compile(r"\s(?:(?<=\n)|(?=\s))\s*")
_BLANK_LINE = regex.compile(r"(?:\r\n|\r(?!\n)|\n)[^\S\r\n]*(?:\r\n|\r|\n)")
_LINE_END = regex.compile(r"\r\n|\r|\n")
_BLANK = regex.compile(r"\s")
_CODE_LINE = regex.compile(
    r"(?:(?<=[\r\n])|\A)(?:[ \t]*(?:async[ \t]+)?(?:def|class)[ \t].*[:)]|[ \t]*(?:end|fi|done|esac)|\(def.*"
    r"|[^#\r\n]*[;{}])[ \t]*(?=[\r\n])"
)
# CR before LF; and of many blank lines, in which many a lexer takes quadratic time, all but two.
_LEFT_OUT = (regex.compile(r"\r(?=\n)"), regex.compile(r"[\r\n](?:[ \t]*+[\r\n]){2}\K(?:[ \t]*+[\r\n])++"))

# Letters that stand for a mask while a lexer reads it, because most would take its brackets for markup.
_SHIELDS = "ℳℒℋℛℰ"

_MARKUP = {
    "gitcommit": "gitcommit git-commit",
    "html": "html xhtml vue svelte astro blade razor htmldjango",
    "latex": "latex tex plaintex",
    "markdown": "markdown gfm mdx quarto rmd rmarkdown pandoc vimwiki",
    "org": "org orgmode",
    "restructuredtext": "restructuredtext rst",
    "typst": "typst typ",
}
_MARKUP_BY_ID = {name: module for module, names in _MARKUP.items() for name in names.split()}
_PLAIN = {"", "asciidoc", "bbcode", "email", "eml", "fundamental", "groff", "help", "mail", "man", "mediawiki", "moin",
          "norg", "nroff", "plaintext", "tid", "text", "textile", "trac-wiki", "txt", "wikitext"}  # fmt: skip
# Where editors and Pygments call a language differently.
_LEXERS = {
    "c++": "cpp", "c-sharp": "csharp", "cuda-cpp": "cuda", "git-rebase": "sh", "gitcommit": "text", "javascriptreact": "jsx", "jsonc": "json5",
    "latex": "tex", "objective-cpp": "objective-c++", "perl6": "raku", "plaintex": "tex", "shellscript": "sh",
    "terraform": "hcl", "typescriptreact": "tsx", "vb": "vb.net", "viml": "vim",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prose:
    """Plain text, a paragraph a line.

    Attributes:
        text: without blank lines, and without blanks at the ends of its lines.
        origins: for each character, the index in the source that it comes from, or stands at.
    """

    text: str
    origins: Sequence[int]

    def find(self, index: int) -> int | None:
        """Where the source's character at ``index`` is in the text."""
        at = bisect_left(self.origins, index)
        return at if at < len(self.origins) and self.origins[at] == index else None


def language(language_id: str, uri: str = "") -> str:
    """The language of a document, by the id that its editor gives it, or else by its file's name.

    Returns:
        The name of a module in :mod:`.languages`, or of a lexer of Pygments; empty for plain text.
    """
    found = _by_id(language_id.lower())
    if found or not uri:
        return found
    name = basename(unquote(uri))
    return _by_name(name) or _by_name(name.lower())  # some systems have names in capitals


def prose(source: str, index: int, language: str) -> Prose | None:
    """The prose that the mask at ``index`` is in; None where it is in none, as in the midst of code.

    Args:
        source: a document, or the part of it around the mask.
        language: from :func:`language`.
    """
    shielded = _Shielded(source)
    for pieces in _readings(shielded.text, shielded.find(index), language):
        found = shielded.read(pieces)
        if found.find(index) is not None:
            return found
    return None


def all_prose(source: str, language: str) -> Prose:
    """All prose of a source: of code, its comments and strings."""
    shielded = _Shielded(source)
    return shielded.read(_all(shielded.text, language))


def beginning(text: str, language: str) -> tuple[int, bool]:
    """Where to begin to read a text that was cut out of a source; and whether it is sure that no comment is open there.

    For code a line that looks like it: begun inside a doc string, a lexer would take all strings for code, and all
    code for strings. Otherwise the first paragraph, line or word.
    """
    is_code = language not in ("", *_MARKUP)
    code = _CODE_LINE.search(text) if is_code else None
    if code:
        return code.start(), True
    found = _BLANK_LINE.search(text) or _LINE_END.search(text) or _BLANK.search(text)
    return found.end() if found else 0, not is_code


def read(pieces: Iterable[Piece]) -> Prose:
    """What pieces in the order of their source read like, put together."""
    parts: list[str] = []
    origins: list[int] = []
    for start, end, text in pieces:
        parts.append(text)
        origins += range(start, end) if len(text) == end - start else [start] * len(text)
    text = "".join(parts)
    kept: list[str] = []
    places: list[int] = []
    at = len(text) - len(text.lstrip())
    high = len(text.rstrip())
    for gap in _GAP.finditer(text, at, max(at, high)):
        kept += [text[at : gap.start()], "\n" if gap[0].count("\n") > 1 else " "]
        places += origins[at : gap.start() + 1]
        at = gap.end()
    kept.append(text[at:high])
    places += origins[at:high]
    return Prose("".join(kept), places)


class _Shielded:
    """A source as lexers like it: line feeds only, few blank lines in a row, and letters where its masks are."""

    def __init__(self, source: str) -> None:
        self._letters = next((letter for letter in _SHIELDS if letter not in source), _SHIELDS[0]) * len(MASK)
        self._places: Sequence[int] = range(len(source))
        for pattern in _LEFT_OUT:
            left_out = [found.span() for found in pattern.finditer(source)]
            if left_out:
                ends = [0, *chain.from_iterable(left_out), len(source)]
                kept = [slice(start, end) for start, end in zip(ends[::2], ends[1::2], strict=True)]
                source = "".join(source[part] for part in kept)
                self._places = [place for part in kept for place in self._places[part]]
        source = source.replace("\r", "\n")
        self.text = source.replace(MASK, self._letters)

    def find(self, index: int) -> int:
        """Where the source's character at ``index`` is in the text."""
        return bisect_left(self._places, index)

    def read(self, pieces: Iterable[Piece]) -> Prose:
        """What pieces of the text read like, with the masks again, and with indexes of the source."""
        found = read(pieces)
        origins = found.origins
        if not isinstance(self._places, range):  # else every character is where it was
            origins = [self._places[at] for at in origins]
        return Prose(found.text.replace(self._letters, MASK), origins)


def _readings(source: str, index: int, language: str) -> Iterator[Iterable[Piece]]:
    """The ways to read a source around ``index``, the best first."""
    if not language or _reader(language):
        yield _all(source, language)
    if language:
        from .languages import comments

        yield comments.passage(source, index, _LEXERS.get(language, language))


def _all(source: str, language: str) -> Iterable[Piece]:
    if not language:
        return [Piece(0, len(source), source)]
    reader = _reader(language)
    if reader:
        return reader(source)
    from .languages import comments

    return comments.pieces(source, _LEXERS.get(language, language))


def _reader(language: str) -> Callable[[str], Iterator[Piece]] | None:
    """Reads a markup language. Imported here, because nobody should wait for what he doesn't write."""
    if language not in _MARKUP:
        return None
    from importlib import import_module

    return import_module(f"{__package__}.languages.{language}").pieces  # type: ignore[no-any-return]


@lru_cache(maxsize=256)
def _by_id(name: str) -> str:
    if name in _PLAIN:
        return ""
    if name in _MARKUP_BY_ID:
        return _MARKUP_BY_ID[name]
    from pygments.lexers import find_lexer_class_by_name
    from pygments.util import ClassNotFound

    name = _LEXERS.get(name, name)
    try:
        find_lexer_class_by_name(name)
    except ClassNotFound:
        return ""
    return name


@lru_cache(maxsize=256)
def _by_name(name: str) -> str:
    if name in ("COMMIT_EDITMSG", "MERGE_MSG", "TAG_EDITMSG"):
        return "gitcommit"
    from pygments.lexers import find_lexer_class_for_filename

    lexer = find_lexer_class_for_filename(name)
    found = lexer.aliases[0] if lexer is not None and lexer.aliases else ""
    return _by_id(found)
