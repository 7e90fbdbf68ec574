"""The whole masked-language-model walk over one text: tokenise, mask at random, predict, score."""

from __future__ import annotations

from math import exp

import torch
from torch import Tensor

from .masking import IGNORED, mask_all, sample_mask
from .model import MaskedLM
from .results import Inspection, Token, TokenCandidate
from .scoring import forward


def inspect(
    model: MaskedLM, text: str, *, rate: float = 0.15, seed: int = 0, whole_words: bool = False, top_k: int = 5
) -> Inspection:
    """Mask ``text`` at random, special tokens excepted, and compare what the model predicts with what was there.

    A mask that stands in the text stays one, and has no original to compare with, so no loss. A text that is too
    long for the model is read in consecutive windows.

    Args:
        top_k: how many predictions each masked position gets, 1 or more.

    Raises:
        ValueError: ``rate`` is not between 0 and 1, or ``top_k`` below 1.
    """
    if top_k < 1:
        raise ValueError(f"top_k must be at least 1, not {top_k}")
    generator = torch.Generator().manual_seed(seed)
    tokens: list[Token] = []
    all_likelihoods, masked_likelihoods, norms = [], [], []
    for start, end in model.tokenizer.windows(text):
        window = text[start:end]
        encoding = model.tokenizer.encode(window)
        ids = torch.tensor([encoding.ids])
        chosen = sample_mask(encoding, rate, generator=generator, whole_words=window if whole_words else None)
        input_ids, labels = mask_all(ids, chosen[None], model.tokenizer.mask_id)
        masked = input_ids[0] == model.tokenizer.mask_id
        labels = labels.masked_fill(ids == model.tokenizer.mask_id, IGNORED)
        output = forward(model, input_ids)
        logits = output.logits[0].float().cpu()
        norms.append(torch.stack([states[0].float().norm(dim=-1).cpu() for states in output.hidden_states]))
        hidden_size = output.hidden_states[-1].shape[-1]
        # As in cross_entropy: on a processor with AVX2 only, torch's log_softmax is off by 2e-5 in float32.
        log_probabilities = logits - logits.logsumexp(-1, keepdim=True)
        likelihoods = log_probabilities.gather(-1, ids.T)
        all_likelihoods.append(likelihoods[labels[0] != IGNORED])
        masked_likelihoods.append(likelihoods[chosen])
        known = log_probabilities[:, : model.tokenizer.vocab_size]
        above = (known > likelihoods).count_nonzero(dim=-1)
        best = known.argmax(-1)
        predictions = iter(_predictions(model, known[masked], top_k))
        for i, id in enumerate(encoding.ids):
            a, b = encoding.offsets[i]
            original = bool(labels[0, i] != IGNORED)
            predicted = next(predictions) if masked[i] else ()
            tokens.append(
                Token(
                    id=id,
                    token=encoding.tokens[i],
                    span=(a + start, b + start) if (a, b) != (0, 0) else (0, 0),
                    masked=bool(masked[i]),
                    predicted=predicted[0].token if predicted else model.tokenizer.vocabulary[int(best[i])],
                    probability=exp(float(likelihoods[i])) if original else None,
                    rank=_rank(encoding.tokens[i], predicted, int(above[i])) if original else None,
                    predictions=predicted,
                )
            )
    hidden_norms = torch.cat(norms, dim=-1).mean(-1).tolist()
    return Inspection(
        model=model.name,
        seed=seed,
        rate=rate,
        tokens=tuple(tokens),
        loss=_loss(all_likelihoods) or 0.0,
        masked_loss=_loss(masked_likelihoods),
        layers=len(hidden_norms),
        hidden_size=hidden_size,
        hidden_norms=tuple(hidden_norms),
    )


def _rank(token: str, predictions: tuple[TokenCandidate, ...], above: int) -> int:
    """From 1, where ``above`` tokens are more probable."""
    places = (place for place, prediction in enumerate(predictions, 1) if prediction.token == token)
    return next(places, max(above, len(predictions)) + 1)


def _predictions(model: MaskedLM, log_probabilities: Tensor, top_k: int) -> list[tuple[TokenCandidate, ...]]:
    """The best tokens of each row [m, vocabulary]."""
    best = log_probabilities.topk(min(top_k, log_probabilities.shape[-1]))
    return [
        tuple(TokenCandidate(model.tokenizer.vocabulary[id], exp(value)) for value, id in zip(values, ids, strict=True))
        for values, ids in zip(best.values.tolist(), best.indices.tolist(), strict=True)
    ]


def _loss(log_likelihoods: list[Tensor]) -> float | None:
    """Cross-entropy: the mean over all positions of all windows; None where there is none."""
    found = torch.cat(log_likelihoods)
    return max(0.0, -float(found.mean())) if len(found) else None
