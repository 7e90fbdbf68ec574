"""Markdown: the text of headings, paragraphs, lists, quotes and tables."""

from __future__ import annotations

import html as entities
import re
from collections.abc import Iterator
from functools import lru_cache

import tree_sitter_markdown
from tree_sitter import Language, Node, Parser, Range

from . import BREAK, Piece, html

_TEXT = {"inline", "pipe_table_cell"}
_NOT_PROSE = {"fenced_code_block", "indented_code_block", "link_reference_definition", "minus_metadata",
              "plus_metadata", "pipe_table_delimiter_row"}  # fmt: skip
# Of a line's markup, what no reader sees, and what it stands around.
_MARKUP = {"emphasis_delimiter", "code_span_delimiter", "latex_span_delimiter", "link_destination", "link_title",
           "link_label", "html_tag", "block_continuation"}  # fmt: skip
_BRACKETED = {"inline_link", "full_reference_link", "collapsed_reference_link", "shortcut_link", "image"}
# A footnote's label, a heading's attributes, and the fences around an admonition.
_NOT_COMMONMARK = re.compile(
    r"(?:\A\[\^[^\]\n]+\]:|[ \t]*\{[ \t]*[#.:][^{}\n]*\}$|^[ \t]*[:/]{3}.*$)[ \t]*", re.MULTILINE
)


class _Ascii(dict[int, str]):
    """A translation that leaves one byte for each character, of a kind that Markdown treats alike."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        plain = character if code < 128 else "x" if character.isalnum() else " " if character.isspace() else "-"
        self[code] = plain
        return plain


_ASCII = _Ascii()


@lru_cache(maxsize=1)
def _parsers() -> tuple[Parser, Parser]:
    """For the blocks, and for what is inside a line."""
    return Parser(Language(tree_sitter_markdown.language())), Parser(Language(tree_sitter_markdown.inline_language()))


def pieces(text: str) -> Iterator[Piece]:
    """The prose of a Markdown text; a list's item and a table's cell are paragraphs."""
    source = text.translate(_ASCII).encode() + b"\n"  # now a byte is a character, and a last heading has its end
    yield from _block(_parsers()[0].parse(source).root_node, text, source)


def _block(node: Node, text: str, source: bytes) -> Iterator[Piece]:
    if node.type in _NOT_PROSE:
        return
    if node.type == "html_block":
        for piece in html.pieces(text[node.start_byte : node.end_byte]):
            yield Piece(piece.start + node.start_byte, piece.end + node.start_byte, piece.text)
    elif node.type in _TEXT:
        yield Piece(node.start_byte, node.start_byte, BREAK)
        yield from _line(node, text, source)
        yield Piece(node.end_byte, node.end_byte, BREAK)
    else:
        for child in node.children:
            yield from _block(child, text, source)


def _line(node: Node, text: str, source: bytes) -> Iterator[Piece]:
    hidden = [child for child in node.children if child.type == "block_continuation"]
    parser = _parsers()[1]
    parser.included_ranges = _without(node, hidden)
    replaced = [Piece(child.start_byte, child.end_byte, "") for child in hidden]
    extensions = _NOT_COMMONMARK.finditer(text[node.start_byte : node.end_byte])
    replaced += [Piece(node.start_byte + found.start(), node.start_byte + found.end(), "") for found in extensions]
    replaced += _markup(parser.parse(source).root_node, text)
    at = node.start_byte
    for piece in sorted(replaced, key=lambda piece: (piece.start, -piece.end)):
        if piece.start >= at:
            yield Piece(at, piece.start, text[at : piece.start])
            yield piece
            at = piece.end
    yield Piece(at, node.end_byte, text[at : node.end_byte])


def _without(node: Node, hidden: list[Node]) -> list[Range]:
    """The ranges of ``node`` that are its own, and not the markers of the quote or list around it."""
    ranges = []
    byte, point = node.start_byte, node.start_point
    for child in hidden:
        if byte < child.start_byte:
            ranges.append(Range(point, child.start_point, byte, child.start_byte))
        byte, point = child.end_byte, child.end_point
    return [*ranges, Range(point, node.end_point, byte, node.end_byte)]


def _markup(node: Node, text: str) -> Iterator[Piece]:
    """How the markup inside a line reads: mostly as nothing."""
    written = text[node.start_byte : node.end_byte]
    if node.type in _MARKUP or (node.type == "shortcut_link" and written.startswith("[^")):
        yield Piece(node.start_byte, node.end_byte, "")
    elif node.type == "backslash_escape":
        yield Piece(node.start_byte, node.start_byte + 1, "")
    elif node.type == "hard_line_break":
        yield Piece(node.start_byte, node.end_byte, "\n")
    elif node.type in ("entity_reference", "numeric_character_reference"):
        yield Piece(node.start_byte, node.end_byte, entities.unescape(written))
    elif node.type in ("uri_autolink", "email_autolink"):
        yield Piece(node.start_byte, node.start_byte + 1, "")
        yield Piece(node.end_byte - 1, node.end_byte, "")
    elif node.type in _BRACKETED:
        # Everything but the text itself: brackets, destination, title.
        at = node.start_byte
        for child in node.named_children:
            if child.type in ("link_text", "image_description"):
                yield Piece(at, child.start_byte, "")
                yield from _markup(child, text)
                at = child.end_byte
        yield Piece(at, node.end_byte, "")
    else:
        for child in node.named_children:
            yield from _markup(child, text)
