"""The best words for the masks of texts and documents."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from fillmask_ls.documents.context import Passage, passages
from fillmask_ls.documents.text import TextDocument
from fillmask_ls.engine.api import PredictQuestion
from fillmask_ls.lsp.filling import MaskFill, fill_passages
from fillmask_ls.spans import Span

from .backend import Backend


class Filler:
    """Fills masks as the editor's *fill all masks* does: the masks of a passage together, unless told otherwise."""

    def __init__(self, options: argparse.Namespace, backend: Backend) -> None:
        self._options, self._backend = options, backend

    def fill(self, documents: Sequence[TextDocument]) -> list[list[MaskFill]]:
        """Return the words for the masks of each document; a mask that no word fits is left out."""
        alone: list[tuple[int, Passage, Sequence[Span]]] = []
        together: list[list[tuple[Passage, Sequence[Span]]]] = []
        for number, document in enumerate(documents):
            cut = list(passages(document, strip_markup=self._options.prose == "auto"))
            is_alone = [self._options.independently or len(passage.masks) == 1 for passage, _ in cut]
            alone += [(number, *each) for each, is_one in zip(cut, is_alone, strict=True) if is_one]
            together.append([each for each, is_one in zip(cut, is_alone, strict=True) if not is_one])
        filled = [self._fill_together(each) for each in together]
        for (number, _, spans), words in zip(alone, self._predict(alone), strict=True):
            filled[number] += [(span, word) for span, word in zip(spans, words, strict=True) if word]
        return filled

    def _fill_together(self, cut: Sequence[tuple[Passage, Sequence[Span]]]) -> list[MaskFill]:
        questions = fill_passages(cut, max_subwords=self._options.max_subwords)
        answer: object = None
        while True:
            try:
                question = questions.send(answer)
            except StopIteration as end:
                words: list[MaskFill] = end.value
                return words
            [answer] = self._backend.ask([question])

    def _predict(self, cut: Sequence[tuple[int, Passage, Sequence[Span]]]) -> list[list[str]]:
        """Return the best word at each mask by itself; an empty one where none fits."""
        requested = [range(passage.focus, passage.focus + len(spans)) for _, passage, spans in cut]
        texts = [passage.text for _, passage, _ in cut]
        masks = [passage.masks for _, passage, _ in cut]
        if not cut:
            return []
        max_subwords = self._options.max_subwords
        if self._backend.is_remote:
            questions = [
                PredictQuestion(text, spans, 1, focus=number, max_subwords=max_subwords)
                for text, spans, numbers in zip(texts, masks, requested, strict=True)
                for number in numbers
            ]
            answers = iter(self._backend.ask(questions))
            predictions = [{number: next(answers).predictions[number] for number in numbers} for numbers in requested]
        else:
            from fillmask_ls.mlm.prediction import predict

            batch_tokens = self._options.batch_tokens
            results = predict(
                self._backend.model, texts, masks, top_k=1, max_subwords=max_subwords, batch_tokens=batch_tokens
            )
            predictions = [dict(enumerate(each)) for each in results]
        return [
            [next((word.text for word in each[number].candidates), "") for number in numbers]
            for each, numbers in zip(predictions, requested, strict=True)
        ]
