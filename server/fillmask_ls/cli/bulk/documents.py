"""The texts in a document: passages around its masks, its sentences, or all of its prose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fillmask_ls import MASK
from fillmask_ls.documents.context import passages
from fillmask_ls.documents.languages.registry import find_language
from fillmask_ls.documents.positions import Encoding
from fillmask_ls.documents.prose import Prose, all_prose
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.words import find_sentences, has_letter

from .inputs import Input
from .items import Item
from .task import missing_mask


def open_document(source: Input, text: str) -> TextDocument:
    """Return the document that an input contains; its name tells its language."""
    return TextDocument(source.path.name if source.path else "", text, encoding=Encoding.UTF32)


def read_prose(document: TextDocument, *, strip_markup: bool) -> Prose:
    """Return all prose of a document."""
    return all_prose(document.text, find_language("", document.uri) if strip_markup else "")


def mask_passages(source: Input, text: str, *, strip_markup: bool) -> Iterator[Item]:
    """Yield the passages around the masks of a document, as the editor reads them."""
    document = open_document(source, text)
    columns = {"text": text} if source.kind == "text" else {}
    if source.kind == "text" and MASK not in text:
        yield Item(source.name, text, columns, error=missing_mask(text))
        return
    for passage, spans in passages(document, strip_markup=strip_markup):
        positions = [document.position(start) for start, _ in spans]
        yield Item(
            name=_name(source, positions[0].line, positions[0].column),
            text=passage.text,
            columns=columns,
            locations=tuple(_location(source, line, column) for line, column in positions),
            masks=passage.masks,
            first_mask=passage.focus,
            lines=tuple(document.line(line) for line, _ in positions),
        )


def sentences(source: Input, text: str, *, strip_markup: bool) -> Iterator[Item]:
    """Yield the sentences of a document; a text that the user typed is one item."""
    if source.kind == "text":
        yield whole_text(source, text)
        return
    document = open_document(source, text)
    prose = read_prose(document, strip_markup=strip_markup)
    for start, end in find_sentences(prose.text):
        sentence = prose.text[start:end].strip()
        if has_letter(sentence):
            line, column = document.position(prose.origins[start])
            yield Item(
                _name(source, line, column),
                sentence,
                {"text": sentence},
                (_location(source, line, column),),
                lines=(sentence,),
            )


def whole_prose(source: Input, text: str, *, strip_markup: bool) -> Iterator[Item]:
    """Yield all prose of a document as one item."""
    if source.kind == "text":
        yield whole_text(source, text)
        return
    prose = read_prose(open_document(source, text), strip_markup=strip_markup)
    if has_letter(prose.text):
        yield Item(source.name, prose.text, {"text": prose.text}, (_location(source, 0, 0),))


def whole_text(source: Input, text: str) -> Item:
    """Return a text that the user typed as an item."""
    return Item(source.name, text, {"text": text})


def _location(source: Input, line: int, column: int) -> Mapping[str, Any]:
    """Return a location, counted from 1."""
    path = {"path": source.name} if source.path is not None else {}
    return {**path, "line": line + 1, "column": column + 1}


def _name(source: Input, line: int, column: int) -> str:
    return f"{source.name}:{line + 1}:{column + 1}" if source.path is not None else source.name
