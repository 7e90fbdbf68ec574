"""Batches for training: texts to padded tensors with random masks and labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .likelihood import IGNORE_INDEX
from .masking import mask_80_10_10, sample_mask, seeded_generator
from .model import LoadedModel
from .text_functions import check_texts


@dataclass(frozen=True, slots=True)
class MaskingCollator:
    """Makes a batch of texts ready for training, as ``collate_fn`` of a ``DataLoader``.

    Each text is masked by itself, so a text's masks depend on the text and the seed, not on its batch, its worker or
    the machine. Give each epoch a seed of its own.

    Attributes:
        model: the model whose tokenizer cuts the texts into tokens.
        rate: the probability of masking a token, 0 to 1.
        seed: of the random masking.
        whole_words: mask all tokens of a word together.
        max_length: the most tokens of a text, special tokens included; the rest is left out. By default the model's
            limit.

    >>> collator = mlm.MaskingCollator(model, seed=1)
    >>> batch = next(iter(torch.utils.data.DataLoader(["One text.", "Another one."], batch_size=2, collate_fn=collator)))
    >>> {name: tuple(tensor.shape) for name, tensor in batch.items()}
    {'input_ids': (2, 5), 'attention_mask': (2, 5), 'labels': (2, 5)}
    """

    model: LoadedModel
    rate: float = 0.15
    seed: int = 0
    whole_words: bool = False
    max_length: int | None = None

    def __call__(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Return ``input_ids``, ``attention_mask`` and ``labels``, int64 [b, n].

        A chosen token becomes a mask in 80 %, a random token in 10 %, and stays in 10 % (Devlin et al. 2019). Labels
        are -100 at all other positions.
        """
        rows = [self._mask(text) for text in check_texts(texts)]
        pad_id = self.model.tokenizer.pad_id
        columns = {
            "input_ids": ([input_ids for input_ids, _ in rows], pad_id),
            "attention_mask": ([torch.ones_like(input_ids) for input_ids, _ in rows], 0),
            "labels": ([labels for _, labels in rows], IGNORE_INDEX),
        }
        return {
            name: torch.nn.utils.rnn.pad_sequence(values, batch_first=True, padding_value=padding)
            for name, (values, padding) in columns.items()
        }

    def _mask(self, text: str) -> tuple[Tensor, Tensor]:
        tokenizer = self.model.tokenizer
        start, end = next(tokenizer.windows(text, self.max_length))
        text = text[start:end]
        encoding = tokenizer.encode(text)
        generator = seeded_generator(self.seed, text)
        chosen = sample_mask(encoding, self.rate, generator=generator, whole_words=text if self.whole_words else None)
        return mask_80_10_10(torch.tensor(encoding.ids), chosen, tokenizer, generator=generator)
