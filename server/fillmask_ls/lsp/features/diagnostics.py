"""``textDocument/diagnostic`` and ``textDocument/publishDiagnostics``: words that the model finds far too unlikely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256
from math import log, log2
from typing import TYPE_CHECKING

from lsprotocol import types

from fillmask_ls.documents.paragraphs import Paragraph
from fillmask_ls.documents.prose import language
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.presentation.percent import percent
from fillmask_ls.settings import Settings
from fillmask_ls.spans import Span

from .places import span_range

if TYPE_CHECKING:
    from fillmask_ls.engine.api import WordSurprisal

SOURCE = "fillmask"
CODE = "unlikely-word"
WORDS = 5
"""How many words that the model expects are given to a quick fix."""

_NAMED = 3
"""How many of them the message names at most, the first aside each as likely as this:"""
_LIKELY = 0.02

_SEVERITIES = {"hint": types.DiagnosticSeverity.Hint, "information": types.DiagnosticSeverity.Information}
_PLAIN = {"", "plaintext", "text", "txt"}


def is_wanted(document: TextDocument, settings: Settings) -> bool:
    """Whether a document's words are to be marked; editors call some languages differently."""
    names = settings.diagnostics_languages
    if not settings.diagnostics:
        return False
    if not names or document.language_id in names:
        return True
    if document.language_id in _PLAIN:
        return not _PLAIN.isdisjoint(names)
    kind = language(document.language_id)
    return kind != "" and kind in {language(name) for name in names}


def candidates(paragraph: Paragraph, settings: Settings) -> tuple[Span, ...]:
    """The words that could be marked: of letters only, without a capital, since a name is always unlikely."""
    return tuple(
        (start, end)
        for start, end in paragraph.words
        if end - start >= settings.diagnostics_minimum_length
        and paragraph.text[start:end].isalpha()
        and paragraph.text[start:end].islower()
    )


def diagnostics(
    document: TextDocument, paragraph: Paragraph, surprises: Sequence[WordSurprisal], settings: Settings
) -> Iterator[types.Diagnostic]:
    """What is too unlikely among the words of a paragraph.

    A word that the model's vocabulary has only in pieces is unknown to it, and always unlikely.
    """
    for found in surprises:
        words = [word for word in found.expected if word.text.casefold() != found.text.casefold()]
        if words and len(found.subwords) == 1 and _gap(found) > settings.diagnostics_threshold:
            expected = _listed(
                [f"{words[0].text} ({percent(words[0].probability)})"]
                + [word.text for word in words[1:_NAMED] if word.probability >= _LIKELY]
            )
            yield types.Diagnostic(
                range=span_range(document, paragraph.document_span(found.span)),
                message=f"“{found.text}” is unlikely here: the model expects {expected}.",
                severity=_SEVERITIES[settings.diagnostics_severity],
                code=CODE,
                source=SOURCE,
                data={"words": [word.text for word in words]},
            )


def report(
    items: Sequence[types.Diagnostic], previous: str | None
) -> types.RelatedFullDocumentDiagnosticReport | types.RelatedUnchangedDocumentDiagnosticReport:
    """The answer to a pull: only an id, if it is the ``previous`` answer's."""
    this = sha256(repr(items).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    if this == previous:
        return types.RelatedUnchangedDocumentDiagnosticReport(result_id=this)
    return types.RelatedFullDocumentDiagnosticReport(items=items, result_id=this)


def _gap(found: WordSurprisal) -> float:
    """By how many bits a word is less likely than the one that the model expects."""
    return log2(found.expected[0].probability) - found.log_likelihood / log(2)


def _listed(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
