"""``textDocument/diagnostic``: words that are far less likely than the expected ones, and missing words."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Iterator, Sequence
from hashlib import sha256
from typing import TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls.documents.languages.registry import is_language_named
from fillmask_ls.documents.paragraphs import Paragraph
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.engine.api import Candidate, PredictQuestion, Priority, Question, SurprisalQuestion
from fillmask_ls.presentation.percent import percent
from fillmask_ls.settings import Settings
from fillmask_ls.spans import Span

from ..missing_words import MissingWord
from ..paragraph_check import Findings, UnlikelyWord, check_paragraph
from ..predictions import mask_question, predict_passage
from ..session import Session
from ..snapshot import Snapshot

T = TypeVar("T")
Report = types.RelatedFullDocumentDiagnosticReport | types.RelatedUnchangedDocumentDiagnosticReport

OPTIONS = types.DiagnosticOptions(inter_file_dependencies=False, workspace_diagnostics=False, identifier="fillmask")

UNLIKELY_WORD = "unlikely-word"
MISSING_WORD = "missing-word"
_IDLE_SECONDS = 1.0
"""Seconds without a change before a document is checked: marks under words that are being typed would disturb."""
_OFFERED_WORDS = 5
"""Expected words offered as quick fixes."""
_MAX_NAMED_WORDS = 3
_NAMED_PROBABILITY = 0.02
"""The message names up to three expected words: the first, and others of at least this probability."""
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

    A change costs only the paragraph it is in, and the words that were marked nearby: what was found elsewhere is
    remembered.
    """
    if not is_enabled(snapshot.document, snapshot.settings):
        return []
    await asyncio.sleep(_IDLE_SECONDS)
    if session.dictionary.is_off(snapshot.document.uri):
        return []
    known = await session.reader.run(session.dictionary.words)
    items: list[types.Diagnostic] = []
    for paragraph in await snapshot.paragraphs():
        items += await _paragraph_diagnostics(session, snapshot, paragraph, known)
    return sorted(items, key=lambda item: (item.range.start.line, item.range.start.character))


async def _paragraph_diagnostics(
    session: Session, snapshot: Snapshot, paragraph: Paragraph, known: Container[str]
) -> list[types.Diagnostic]:
    """Return the diagnostics of a paragraph: of its missing words, and of unlikely words where none is missing.

    Args:
        known: words, and pairs of words, that are never marked, casefolded.
    """
    if not paragraph.words:
        return []
    findings = await _check(session, paragraph, snapshot.settings.diagnostics_threshold)
    missing = [word for word in findings.missing if _is_in_plain_gap(snapshot, paragraph, word)]
    items = [
        _missing_diagnostic(snapshot, paragraph, word)
        for word in missing
        if paragraph.text[slice(*word.span)].casefold() not in known
    ]
    explained = {span for word in missing for span in (word.before, word.after)}
    may_be_marked = set(_candidate_words(paragraph, snapshot.settings, known)) - explained
    for word in findings.unlikely:
        if word.span in may_be_marked:
            items += await _diagnostic(session, snapshot, paragraph, word)
    return items


async def _check(session: Session, paragraph: Paragraph, threshold: float) -> Findings:
    """Return what the model finds in a paragraph."""
    return await _remembered(
        session,
        SurprisalQuestion,
        (paragraph.text, paragraph.words, threshold),
        lambda: check_paragraph(session.engine, session.reader, paragraph.text, paragraph.words, threshold),
    )


async def _expected_words(session: Session, snapshot: Snapshot, span: Span) -> Sequence[Candidate]:
    """Return the words that fit the place of a word; none where it is no prose."""
    passage = await snapshot.prose_passage(span)
    if passage is None:
        return ()

    async def predict() -> Sequence[Candidate]:
        return (await predict_passage(session, snapshot, passage, priority=Priority.BACKGROUND)).candidates

    return await _remembered(session, PredictQuestion, mask_question(passage, snapshot.settings), predict)


async def _remembered(
    session: Session, question_type: type[Question], about: object, find: Callable[[], Awaitable[T]]
) -> T:
    """Return what ``find`` returns, or what it returned about the same with the same model."""
    model = session.engine.model_for(question_type)
    key = model, sha256(repr(about).encode("utf-8", "surrogatepass")).digest()
    found: T | None = session.findings.get(key)
    if found is None:
        found = await find()
        if model is not None and model == session.engine.model_for(question_type):
            session.findings[key] = found
    return found


def is_enabled(document: TextDocument, settings: Settings) -> bool:
    """Return whether the words of a document are to be marked."""
    return settings.diagnostics and is_language_named(document.language_id, settings.diagnostics_languages)


def offered_words(diagnostic: types.Diagnostic, text: str) -> list[str]:
    """Return the words that a diagnostic of this server offers to write, or to insert after its first word.

    Args:
        text: what its range contains. If that is another text now, the words are not offered.
    """
    data = diagnostic.data if diagnostic.code in (UNLIKELY_WORD, MISSING_WORD) else None
    words = data.get("words") if isinstance(data, dict) and data.get("text") == text else None
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


async def _diagnostic(
    session: Session, snapshot: Snapshot, paragraph: Paragraph, word: UnlikelyWord
) -> list[types.Diagnostic]:
    """Return the diagnostic of an unlikely word, with the words that fit its place; none if no other word does.

    The word that was probably meant is the first.
    """
    span = paragraph.document_span(word.span)
    written = paragraph.text[slice(*word.span)]
    words = await _expected_words(session, snapshot, span)
    expected = [other for other in words if other.text.casefold() != written.casefold()]
    expected = (expected if word.meant is None else _with_first(word.meant, expected))[:_OFFERED_WORDS]
    if not expected:
        return []
    first = f"{expected[0].text} ({percent(expected[0].probability)})"
    likely = [other.text for other in expected[1:_MAX_NAMED_WORDS] if other.probability >= _NAMED_PROBABILITY]
    return [
        types.Diagnostic(
            range=snapshot.range(span),
            message=f"“{written}” seems unusual here. Expected: {_alternatives([first, *likely])}.",
            severity=_SEVERITIES[snapshot.settings.diagnostics_severity],
            code=UNLIKELY_WORD,
            source="fillmask",
            data={"text": snapshot.document.slice(*span), "words": [other.text for other in expected]},
        )
    ]


def _with_first(meant: Candidate, words: Sequence[Candidate]) -> list[Candidate]:
    """Return the words with one of them first, with the probability that it has among them; or with a new one first."""
    same = [word for word in words if word.text.casefold() == meant.text.casefold()]
    return [*(same[:1] or [meant]), *(word for word in words if word not in same)]


def _is_in_plain_gap(snapshot: Snapshot, paragraph: Paragraph, missing: MissingWord) -> bool:
    """Return whether no markup stands in the gap of a missing word."""
    gap = paragraph.document_span(missing.before)[1], paragraph.document_span(missing.after)[0]
    return snapshot.document.slice(*gap).isspace()


def _missing_diagnostic(snapshot: Snapshot, paragraph: Paragraph, missing: MissingWord) -> types.Diagnostic:
    """Return the diagnostic of a missing word."""
    span = paragraph.document_span(missing.span)
    return types.Diagnostic(
        range=snapshot.range(span),
        message=f"“{missing.word.text}” seems to be missing here ({percent(missing.word.probability)}).",
        severity=_SEVERITIES[snapshot.settings.diagnostics_severity],
        code=MISSING_WORD,
        source="fillmask",
        data={"text": snapshot.document.slice(*span), "words": [missing.word.text]},
    )


def _alternatives(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
