"""Markdown: the text of headings, paragraphs, lists, quotes and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html import unescape

import tree_sitter_markdown
from tree_sitter import Language, Node, Parser, Range

from . import html
from .fragments import Fragment, paragraph_break

_INLINE_CONTENT = {"inline", "pipe_table_cell"}
_NOT_PROSE = {"fenced_code_block", "indented_code_block", "link_reference_definition", "minus_metadata",
              "plus_metadata", "pipe_table_delimiter_row"}  # fmt: skip
_INVISIBLE = {"emphasis_delimiter", "code_span_delimiter", "latex_span_delimiter", "link_destination", "link_title",
              "link_label", "html_tag", "block_continuation"}  # fmt: skip
_LINKS = {"inline_link", "full_reference_link", "collapsed_reference_link", "shortcut_link", "image"}
# The label of a footnote, the attributes of a heading, and the fences of an admonition.
_EXTENSIONS = re.compile(r"(?:\A\[\^[^\]\n]+\]:|[ \t]*\{[ \t]*[#.:][^{}\n]*\}$|^[ \t]*[:/]{3}.*$)[ \t]*", re.MULTILINE)


class _AsciiTranslation(dict[int, str]):
    """Translates each character to a single byte that Markdown treats the same way."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        ascii_character = (
            character if code < 128 else "x" if character.isalnum() else " " if character.isspace() else "-"
        )
        self[code] = ascii_character
        return ascii_character


_TO_ASCII = _AsciiTranslation()


@lru_cache(maxsize=1)
def _parsers() -> tuple[Parser, Parser]:
    """Return the parser of blocks, and the one of the text inside a block."""
    return Parser(Language(tree_sitter_markdown.language())), Parser(Language(tree_sitter_markdown.inline_language()))


def fragments(source: str) -> Iterator[Fragment]:
    """Yield the prose of a Markdown text; a list item and a table cell are paragraphs."""
    # In ASCII, byte offsets are character indexes. The line end completes a heading in the last line.
    ascii_source = source.translate(_TO_ASCII).encode() + b"\n"
    yield from _block(_parsers()[0].parse(ascii_source).root_node, source, ascii_source)


def _block(node: Node, source: str, ascii_source: bytes) -> Iterator[Fragment]:
    if node.type in _NOT_PROSE:
        return
    if node.type == "html_block":
        for start, end, text in html.fragments(source[node.start_byte : node.end_byte]):
            yield Fragment(start + node.start_byte, end + node.start_byte, text)
    elif node.type in _INLINE_CONTENT:
        yield paragraph_break(node.start_byte)
        yield from _inline_content(node, source, ascii_source)
        yield paragraph_break(node.end_byte)
    else:
        for child in node.children:
            yield from _block(child, source, ascii_source)


def _inline_content(node: Node, source: str, ascii_source: bytes) -> Iterator[Fragment]:
    continuations = [child for child in node.children if child.type == "block_continuation"]
    parser = _parsers()[1]
    parser.included_ranges = _ranges_without(node, continuations)
    start = node.start_byte
    extensions = (match.span() for match in _EXTENSIONS.finditer(source[start : node.end_byte]))
    replaced = [_invisible(child) for child in continuations]
    replaced += [Fragment(start + low, start + high, "") for low, high in extensions]
    replaced += _markup(parser.parse(ascii_source).root_node, source)
    copied = start
    for fragment in sorted(replaced, key=lambda fragment: (fragment.start, -fragment.end)):
        if fragment.start >= copied:
            yield Fragment(copied, fragment.start, source[copied : fragment.start])
            yield fragment
            copied = fragment.end
    yield Fragment(copied, node.end_byte, source[copied : node.end_byte])


def _ranges_without(node: Node, continuations: list[Node]) -> list[Range]:
    """Return the ranges of ``node`` without the markers of the quote or list around it."""
    ranges = []
    byte, point = node.start_byte, node.start_point
    for child in continuations:
        if byte < child.start_byte:
            ranges.append(Range(point, child.start_point, byte, child.start_byte))
        byte, point = child.end_byte, child.end_point
    return [*ranges, Range(point, node.end_point, byte, node.end_byte)]


def _markup(node: Node, source: str) -> Iterator[Fragment]:
    """Yield the markup in a node, and how it reads: most of it is invisible."""
    text = source[node.start_byte : node.end_byte]
    if node.type in _INVISIBLE or (node.type == "shortcut_link" and text.startswith("[^")):
        yield _invisible(node)
    elif node.type == "backslash_escape":
        yield Fragment(node.start_byte, node.start_byte + 1, "")
    elif node.type == "hard_line_break":
        yield Fragment(node.start_byte, node.end_byte, "\n")
    elif node.type in ("entity_reference", "numeric_character_reference"):
        yield Fragment(node.start_byte, node.end_byte, unescape(text))
    elif node.type in ("uri_autolink", "email_autolink"):
        yield Fragment(node.start_byte, node.start_byte + 1, "")
        yield Fragment(node.end_byte - 1, node.end_byte, "")
    elif node.type in _LINKS:
        # Only the link's text is visible.
        end_of_text = node.start_byte
        for child in node.named_children:
            if child.type in ("link_text", "image_description"):
                yield Fragment(end_of_text, child.start_byte, "")
                yield from _markup(child, source)
                end_of_text = child.end_byte
        yield Fragment(end_of_text, node.end_byte, "")
    else:
        for child in node.named_children:
            yield from _markup(child, source)


def _invisible(node: Node) -> Fragment:
    return Fragment(node.start_byte, node.end_byte, "")
