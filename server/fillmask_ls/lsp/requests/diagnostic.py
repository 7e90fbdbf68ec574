"""``textDocument/diagnostic``: words that are far less likely to the model than the expected ones."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterator, Sequence
from hashlib import sha256
from math import log, log2

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls.documents.languages.registry import is_language_named
from fillmask_ls.documents.paragraphs import Paragraph
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.engine.api import Priority, SurprisalQuestion, WordSurprisal
from fillmask_ls.english import confused_with
from fillmask_ls.presentation.percent import percent
from fillmask_ls.settings import Settings
from fillmask_ls.spans import Span

from ..predictions import predict_passage
from ..session import Session
from ..snapshot import Snapshot

Report = types.RelatedFullDocumentDiagnosticReport | types.RelatedUnchangedDocumentDiagnosticReport

OPTIONS = types.DiagnosticOptions(inter_file_dependencies=False, workspace_diagnostics=False, identifier="fillmask")

_CODE = "unlikely-word"
_IDLE_SECONDS = 1.0
"""Seconds without a change before a document is checked: marks under words that are being typed would disturb."""
_EXPECTED_WORDS = 5
"""Expected words offered as quick fixes."""
_MAX_NAMED_WORDS = 3
_CONFUSED_SHARE = 0.25
"""Factor of the threshold where the model expects a word that people confuse with this one: *lose* for *loose*."""
_NAMED_PROBABILITY = 0.02
"""The message names up to three expected words: the best, and others of at least this probability."""
_SEVERITIES = {"hint": types.DiagnosticSeverity.Hint, "information": types.DiagnosticSeverity.Information}


class PullCancelledError(JsonRpcException):
    """The document was changed. ``ContentModified`` would make an editor remove all marks."""

    CODE = types.LSPErrorCodes.ServerCancelled
    MESSAGE = "the document was changed"

    def __init__(self) -> None:
        super().__init__(data={"retriggerRequest": False})


async def diagnostic(session: Session, snapshot: Snapshot, params: types.DocumentDiagnosticParams) -> Report:
    """Return the diagnostics of a document, or a report that they are unchanged."""
    items = await find_diagnostics(session, snapshot)
    result_id = sha256(repr(items).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    if result_id == params.previous_result_id:
        return types.RelatedUnchangedDocumentDiagnosticReport(result_id=result_id)
    return types.RelatedFullDocumentDiagnosticReport(items=items, result_id=result_id)


async def find_diagnostics(session: Session, snapshot: Snapshot) -> list[types.Diagnostic]:
    """Return the diagnostics of a document in its order, once it has not changed for a second.

    The engine remembers its answers: a change costs only the paragraph it is in.
    """
    if not is_enabled(snapshot.document, snapshot.settings):
        return []
    await asyncio.sleep(_IDLE_SECONDS)
    if session.dictionary.is_off(snapshot.document.uri):
        return []
    known = await session.reader.run(session.dictionary.words)
    items: list[types.Diagnostic] = []
    for paragraph in await snapshot.paragraphs():
        spans = tuple(_candidate_words(paragraph, snapshot.settings, known))
        if spans:
            question = SurprisalQuestion(paragraph.text, 1, spans)
            surprisals = await session.engine.word_surprisals(question, Priority.BACKGROUND)
            for surprisal in await session.reader.run(_unlikely, surprisals, snapshot.settings):
                items += await _diagnostic(session, snapshot, paragraph.document_span(surprisal.span), surprisal)
    return sorted(items, key=lambda item: (item.range.start.line, item.range.start.character))


def is_enabled(document: TextDocument, settings: Settings) -> bool:
    """Return whether the words of a document are to be marked."""
    return settings.diagnostics and is_language_named(document.language_id, settings.diagnostics_languages)


def offered_words(diagnostic: types.Diagnostic) -> list[str]:
    """Return the words that a diagnostic of this server offers as quick fixes."""
    data = diagnostic.data
    words = data.get("words") if diagnostic.code == _CODE and isinstance(data, dict) else None
    return [word for word in words if isinstance(word, str)] if isinstance(words, list) else []


def _candidate_words(paragraph: Paragraph, settings: Settings, known: Container[str]) -> Iterator[Span]:
    """Yield the words that may be marked: letters only and in lower case, because a name is always unlikely.

    Args:
        known: words that are never marked, casefolded.
    """
    for start, end in paragraph.words:
        word = paragraph.text[start:end]
        is_marked = len(word) >= settings.diagnostics_minimum_length and word.isalpha() and word.islower()
        if is_marked and word.casefold() not in known:
            yield start, end


def _unlikely(surprisals: Sequence[WordSurprisal], settings: Settings) -> list[WordSurprisal]:
    """Return the words to mark; the first call reads a file."""
    return [surprisal for surprisal in surprisals if is_unlikely(surprisal, settings)]


def is_unlikely(surprisal: WordSurprisal, settings: Settings) -> bool:
    """Return whether a word is to be marked.

    A word of several subwords never is: the vocabulary does not know it, so it is always unlikely. A word that people
    confuse with the expected one is marked at a quarter of the threshold.
    """
    threshold = settings.diagnostics_threshold
    if surprisal.expected[0].text.casefold() in confused_with(surprisal.text):
        threshold *= _CONFUSED_SHARE
    return len(surprisal.subwords) == 1 and excess_bits(surprisal) > threshold


async def _diagnostic(
    session: Session, snapshot: Snapshot, span: Span, surprisal: WordSurprisal
) -> list[types.Diagnostic]:
    """Return the diagnostic of an unlikely word, with the words that fit its place; none if no other word does."""
    passage = await snapshot.prose_passage(span)
    if passage is None:
        return []
    answer = await predict_passage(session, snapshot, passage, priority=Priority.BACKGROUND)
    expected = [word for word in answer.candidates if word.text.casefold() != surprisal.text.casefold()]
    expected = expected[:_EXPECTED_WORDS]
    if not expected:
        return []
    best = f"{expected[0].text} ({percent(expected[0].probability)})"
    likely = [word.text for word in expected[1:_MAX_NAMED_WORDS] if word.probability >= _NAMED_PROBABILITY]
    return [
        types.Diagnostic(
            range=snapshot.range(span),
            message=f"“{surprisal.text}” seems unusual here. Expected: {_alternatives([best, *likely])}.",
            severity=_SEVERITIES[snapshot.settings.diagnostics_severity],
            code=_CODE,
            source="fillmask",
            data={"words": [word.text for word in expected]},
        )
    ]


def excess_bits(surprisal: WordSurprisal) -> float:
    """Return the bits by which a word's surprisal exceeds that of the expected word."""
    return log2(surprisal.expected[0].probability) - surprisal.log_likelihood / log(2)


def _alternatives(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
