"""``textDocument/diagnostic``: words that are far less likely to the model than the expected ones, and missing words."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import partial
from hashlib import sha256

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from fillmask_ls.documents.languages.registry import is_language_named
from fillmask_ls.documents.paragraphs import Paragraph
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.engine.api import Candidate, Priority, SurprisalQuestion, WordSurprisal
from fillmask_ls.english import confused_with, is_english, is_mistyped
from fillmask_ls.presentation.percent import percent
from fillmask_ls.settings import Settings
from fillmask_ls.spans import Span

from ..missing_words import MissingWord, find_missing_words
from ..predictions import predict_passage
from ..session import Session
from ..snapshot import Snapshot

Report = types.RelatedFullDocumentDiagnosticReport | types.RelatedUnchangedDocumentDiagnosticReport

OPTIONS = types.DiagnosticOptions(inter_file_dependencies=False, workspace_diagnostics=False, identifier="fillmask")

UNLIKELY_WORD = "unlikely-word"
MISSING_WORD = "missing-word"
_IDLE_SECONDS = 1.0
"""Seconds without a change before a document is checked: marks under words that are being typed would disturb."""
_EXPECTED_WORDS = 5
"""Expected words offered as quick fixes."""
_MAX_NAMED_WORDS = 3
READ_EXPECTED_WORDS = 20
"""Expected words among which the one that was meant is looked for."""
_CONFUSED_SHARE = 0.2
"""Factor of the threshold against an expected word that people confuse with this one: *lose* for *loose*."""
_MISTYPED_SHARE = 0.4
"""Factor of the threshold against an expected word that a slip of the keys turns into this one: *change* for *charge*."""
MISSING_SHARE = 0.4
"""Factor of the threshold for a missing word."""
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
        items += await _paragraph_diagnostics(session, snapshot, paragraph, known)
    return sorted(items, key=lambda item: (item.range.start.line, item.range.start.character))


async def _paragraph_diagnostics(
    session: Session, snapshot: Snapshot, paragraph: Paragraph, known: Container[str]
) -> list[types.Diagnostic]:
    """Return the diagnostics of a paragraph: of its missing words, and of unlikely words where none is missing.

    Args:
        known: words, and pairs of words, that are never marked, casefolded.
    """
    threshold, text = snapshot.settings.diagnostics_threshold, paragraph.text
    if not paragraph.words:
        return []
    question = SurprisalQuestion(text, READ_EXPECTED_WORDS, paragraph.words)
    surprisals = await session.engine.word_surprisals(question, Priority.BACKGROUND)
    in_english = await session.reader.run(is_english, text)
    missing: list[MissingWord] = []
    if in_english:
        found = await find_missing_words(session.engine, text, paragraph.words, surprisals, MISSING_SHARE * threshold)
        missing = [word for word in found if _is_in_plain_gap(snapshot, paragraph, word)]
    items = [
        _missing_diagnostic(snapshot, paragraph, word)
        for word in missing
        if text[slice(*word.span)].casefold() not in known
    ]
    explained = {span for word in missing for span in (word.before, word.after)}
    may_be_marked = set(_candidate_words(paragraph, snapshot.settings, known)) - explained
    candidates = [surprisal for surprisal in surprisals if surprisal.span in may_be_marked]
    unlikely = await session.reader.run(partial(find_unlikely, candidates, threshold, in_english=in_english))
    for surprisal, meant in unlikely:
        items += await _diagnostic(session, snapshot, paragraph.document_span(surprisal.span), surprisal, meant)
    return items


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


def find_unlikely(
    surprisals: Iterable[WordSurprisal], threshold: float, *, in_english: bool
) -> list[tuple[WordSurprisal, Candidate | None]]:
    """Return the words to mark, each with the expected word that was probably meant; None where no word is like it.

    A word of several subwords is marked only if another was meant: the vocabulary does not know it, so it is always
    unlikely. The first call reads a file.

    Args:
        surprisals: with some expected words each.
        threshold: in bits, of the excess of any word.
    """
    found: list[tuple[WordSurprisal, Candidate | None]] = []
    for surprisal in surprisals:
        meant = _meant_word(surprisal, threshold) if in_english else None
        if meant or (len(surprisal.subwords) == 1 and surprisal.excess > threshold):
            found.append((surprisal, meant))
    return found


def _meant_word(surprisal: WordSurprisal, threshold: float) -> Candidate | None:
    """Return the best expected word that people confuse with the written one, or that a slip turns into it."""
    confusable = confused_with(surprisal.text)
    for word in surprisal.expected:
        excess = surprisal.excess_over(word)
        if excess > _CONFUSED_SHARE * threshold and word.text.casefold() in confusable:
            return word
        if excess > _MISTYPED_SHARE * threshold and is_mistyped(surprisal.text, word.text):
            return word
    return None


async def _diagnostic(
    session: Session, snapshot: Snapshot, span: Span, surprisal: WordSurprisal, meant: Candidate | None
) -> list[types.Diagnostic]:
    """Return the diagnostic of an unlikely word, with the words that fit its place; none if no other word does.

    Args:
        meant: the word that was probably meant: it is named first.
    """
    passage = await snapshot.prose_passage(span)
    if passage is None:
        return []
    answer = await predict_passage(session, snapshot, passage, priority=Priority.BACKGROUND)
    expected = [word for word in answer.candidates if word.text.casefold() != surprisal.text.casefold()]
    if meant:
        rest = [word for word in expected if word.text.casefold() != meant.text.casefold()]
        expected = [next((word for word in expected if word not in rest), meant), *rest]
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
            code=UNLIKELY_WORD,
            source="fillmask",
            data={"text": snapshot.document.slice(*span), "words": [word.text for word in expected]},
        )
    ]


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
