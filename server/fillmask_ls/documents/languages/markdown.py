"""Markdown: the text of headings, paragraphs, lists, quotes and tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html import unescape

import regex
import tree_sitter_markdown
from tree_sitter import Language, Node, Parser, Range

from fillmask_ls.spans import Span

from . import html
from .fragments import PARAGRAPH_BREAK, Fragment, paragraph_break
from .markdown_extensions import simplify as simplify
from .parsing import to_ascii
from .placeholders import PLACEHOLDER
from .registry import find_language

_INLINE_CONTENT = {"inline", "pipe_table_cell"}
_NOT_PROSE = {"fenced_code_block", "indented_code_block", "link_reference_definition", "minus_metadata",
              "plus_metadata", "pipe_table_delimiter_row"}  # fmt: skip
_INVISIBLE = {"emphasis_delimiter", "code_span_delimiter", "link_destination", "link_title",
              "link_label", "block_continuation"}  # fmt: skip
_LINKS = {"inline_link", "full_reference_link", "collapsed_reference_link", "shortcut_link", "image"}
_CODE = {"fenced_code_block": "", "html_block": "html", "minus_metadata": "yaml", "plus_metadata": "toml"}
_INFO = re.compile(r"(?:\{(?:code|sourcecode|literalinclude)[\w-]*\}\s*)?\W*([\w+#-]+)")
# What extensions of Markdown write inside a paragraph, and how it reads.
_EXTENSIONS = [
    (regex.compile(pattern, regex.MULTILINE), text)
    for pattern, text in [
        (r"\A\[\^[^\]\n]+\]:[ \t]*", ""),  # the label of a footnote
        (r"^:[ \t]{1,3}(?=\S)", PARAGRAPH_BREAK),  # a definition
        (r"^(?:[:/]{3}.*|\\(?:newpage|pagebreak)\b.*)$", ""),  # the fence of a container
        (r"[ \t]*\{:?[ \t]*(?:[#.]|[\w-]+=[\"'])[^{}\n]*\}|\{:[^{}\n]*\}", ""),  # attributes
        (r"\{/\*(?:[^*]|\*(?!/)){0,300}+\*/\}", ""),  # a comment in MDX
        (r"\{\{?[%<][^{}\n]{0,300}[%>]\}\}?|\{[\w:.+-]+\}(?=`)", ""),  # a template's tag, a role of MyST
        (r"[ \t]*\[(?:[^\[\]@\n]*[ ;])?-?@\w[^\[\]]{0,300}\](?![(\[])", ""),  # citations of Pandoc
        (r"[ \t]*(?<![\w@/.\]\[\\-])-?@(?:[a-zA-Z]{2,4}[-:][\w-]+|[a-z][\w:]*\d{4}\w*)", ""),  # cross-references
        (r"\[\[(?:[^\[\]|\n]{0,100}\|)?(?=[^\[\]|\n]{1,200}\]\])|(?<=[^\]\n])\]\](?!\()", ""),  # wiki links
        (r"(?<![\w:]):[a-z][a-z0-9_+-]{0,60}:(?![\w:])", ""),  # emoji
        (r"(?<![=^])(?:==|\^\^)(?=[^\s=^])|(?<=[^\s=^])(?:==|\^\^)(?![=^])", ""),  # marks and inserts
        (r"(?<![\w+])\+\+(?=[\w+ -]{1,40}\+\+(?!\w))|(?<=(?<![\w+])\+\+[\w+ -]{1,40})\+\+(?![\w+])", ""),  # keys
    ]
]
_ANY_MARKUP = re.compile(r"[^\w\s.,;()?\"'-]|_")
# The parser takes quadratic time for more delimiters in a paragraph.
_DELIMITER = re.compile(r"[*_~`\[\]{$<]")
_MAX_DELIMITERS = 500
_NOTE = re.compile(r"\^\[(?P<text>[^\[\]]{1,2000}(?:\[[^\[\]]*\][^\[\]]{0,2000}){0,8})\]")
_LINE_BREAK = re.compile(r"<(?:br|hr)\b", re.IGNORECASE)
_SIMPLE_FORMULA = re.compile(r"\$?[\w ,.+=<>()-]{1,12}\$?\Z")


@lru_cache(maxsize=1)
def _parsers() -> tuple[Parser, Parser]:
    """Return the parser of blocks, and the one of the text inside a block."""
    return Parser(Language(tree_sitter_markdown.language())), Parser(Language(tree_sitter_markdown.inline_language()))


def fragments(source: str) -> Iterator[Fragment]:
    """Yield the prose of a Markdown text; a list item and a table cell are paragraphs."""
    ascii_source = to_ascii(source) + b"\n"  # the line end completes a heading in the last line
    nodes = [_parsers()[0].parse(ascii_source).root_node]
    while nodes:
        node = nodes.pop()
        if node.type == "html_block":
            for start, end, text in html.fragments(source[node.start_byte : node.end_byte]):
                yield Fragment(start + node.start_byte, end + node.start_byte, text)
        elif node.type in _INLINE_CONTENT:
            yield paragraph_break(node.start_byte)
            yield from _inline_content(node, source, ascii_source)
            yield paragraph_break(node.end_byte)
        elif node.type not in _NOT_PROSE:
            nodes += reversed(node.children)


def _inline_content(node: Node, source: str, ascii_source: bytes) -> Iterator[Fragment]:
    """Yield the text of a paragraph, a heading or a cell; notes follow it."""
    continuations = [child for child in node.children if child.type == "block_continuation"]
    start, end = node.start_byte, node.end_byte
    replaced = [_invisible(child) for child in continuations]
    notes: list[Span] = []
    if _ANY_MARKUP.search(source, start, end) and len(_DELIMITER.findall(source, start, end)) < _MAX_DELIMITERS:
        parser = _parsers()[1]
        parser.included_ranges = _ranges_without(node, continuations)
        replaced += _markup(parser.parse(ascii_source).root_node, source)
        for pattern, text in _EXTENSIONS:
            matches = pattern.finditer(source[start:end])
            replaced += (Fragment(start + match.start(), start + match.end(), text) for match in matches)
        notes = [match.span("text") for match in _NOTE.finditer(source, start, end)]
        replaced += [Fragment(low - 2, high + 1, "") for low, high in notes]
    yield from _between(source, start, end, replaced)
    for low, high in notes:
        yield paragraph_break(high)
        yield from _between(source, low, high, replaced)


def _between(source: str, start: int, end: int, replaced: list[Fragment]) -> Iterator[Fragment]:
    """Yield the text from ``start`` to ``end`` with the outermost of the replaced parts."""
    for fragment in sorted(replaced, key=lambda fragment: (fragment.start, -fragment.end)):
        if fragment.start >= start and fragment.end <= end:
            yield Fragment(start, fragment.start, source[start : fragment.start])
            yield fragment
            start = fragment.end
    yield Fragment(start, end, source[start:end])


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
    if node.type == "html_tag":
        yield Fragment(node.start_byte, node.end_byte, " " if _LINE_BREAK.match(text) else "")
    elif node.type == "latex_block":
        yield from _formula(node, text)
    elif node.type in _INVISIBLE or (node.type == "shortcut_link" and text.startswith("[^")):
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


def _formula(node: Node, text: str) -> Iterator[Fragment]:
    if text.startswith("$$"):
        yield _invisible(node)
    elif _SIMPLE_FORMULA.match(text):
        yield from (_invisible(child) for child in node.named_children)
    else:
        yield Fragment(node.start_byte, node.end_byte, PLACEHOLDER)


def find_code_block(source: str, index: int) -> tuple[Span, str]:
    """Return the span and the language of the code block or the front matter that contains ``index``.

    In HTML the language is HTML, and elsewhere there is nothing to read but prose.
    """
    node = _parsers()[0].parse(to_ascii(source) + b"\n").root_node.descendant_for_byte_range(index, index)
    while node is not None and node.type not in _CODE:
        node = node.parent
    if node is None:
        return (index, index), ""
    content = next((child for child in node.children if child.type == "code_fence_content"), node)
    language = _CODE[node.type]
    info = next((child for child in node.children if child.type == "info_string"), None)
    match = _INFO.match(source, info.start_byte, info.end_byte) if info else None
    if match:
        language = find_language(match[1].lower(), f"x.{match[1]}")
    return (content.start_byte, min(content.end_byte, len(source))), language


def _invisible(node: Node) -> Fragment:
    return Fragment(node.start_byte, node.end_byte, "")
