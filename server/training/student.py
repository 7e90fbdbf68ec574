"""A student that begins with some of a teacher's layers, and the teacher's answers as its targets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig

from fillmask_ls.mlm.tokenization import Tokenizer

from .errors import StepError
from .network import Network, has_trained_head, layers, load_network, mask_logits, new_network
from .tokenizer_files import copy_tokenizer

_LAYER = re.compile(r"\.layer\.(\d+)\.")
_BY_TOKEN = ("word_embeddings.weight", "decoder.weight", "decoder.bias", "lm_head.bias", "predictions.bias")
"""Ends of the names of weights with a row for each token."""


class StudentError(StepError):
    """A student can't be made from a teacher; the message states the reason."""


def translate_ids(student: Tokenizer, teacher: Tokenizer) -> Tensor:
    """Return the teacher's id of each of the student's tokens, [the student's vocabulary].

    Raises:
        StudentError: the teacher lacks a token.
    """
    known = {token: id for id, token in enumerate(teacher.vocabulary)}
    special = dict(zip(student.encode("").ids, teacher.encode("").ids, strict=True))
    special[student.mask_id] = teacher.mask_id
    ids = [special.get(id, known.get(token, -1)) for id, token in enumerate(student.vocabulary)]
    if -1 in ids:
        raise StudentError(f"the teacher's vocabulary has no {student.vocabulary[ids.index(-1)]!r}.")
    return torch.tensor(ids)


def start_student(teacher: Path, chosen: Sequence[int], ids: Tensor, tokenizer: Path, folder: Path) -> None:
    """Write a network of the teacher's architecture that begins with some of its layers, and all of its other weights.

    Args:
        teacher: a folder with a BERT or MPNet encoder or masked language model. The student of an encoder has no head
            either: training starts one.
        chosen: the numbers of the layers to take, from 1.
        ids: as :func:`translate_ids` returns them.
        tokenizer: a folder with the student's tokenizer.
        folder: the folder to write.

    Raises:
        StudentError: the teacher has no such layer.
    """
    source = load_network(teacher, torch.ones(1))
    available = len(layers(source))
    if not chosen or not all(1 <= number <= available for number in chosen):
        raise StudentError(f"the teacher has the layers 1 to {available}: choose some of them.")
    config = AutoConfig.from_pretrained(teacher, local_files_only=True)
    config.vocab_size, config.num_hidden_layers = len(ids), len(chosen)
    student = new_network(config)
    weights = source.state_dict()
    started = {
        name: weights[_LAYER.sub(lambda each: f".layer.{chosen[int(each[1])] - 1}.", name)]
        for name in student.state_dict()
    }
    student.load_state_dict(
        {name: weight[ids] if name.endswith(_BY_TOKEN) else weight for name, weight in started.items()}
    )
    saved: Any = student if has_trained_head(source) else student.base_model
    saved.save_pretrained(folder)
    copy_tokenizer(tokenizer, folder)


@dataclass(frozen=True, slots=True)
class Targets:
    """What a student learns from a batch.

    Attributes:
        probabilities: at the masks, [b · m, the student's vocabulary].
        states: for the output of each of the student's layers but the last, each [b, n, h]; may be none.
        weight: of the distance from ``states``, as for :func:`training.network.soft_loss`.
    """

    probabilities: Tensor
    states: Sequence[Tensor] = ()
    weight: float = 0.0


class Teacher:
    """A masked language model whose probabilities and hidden states a student learns (Hinton et al. 2015)."""

    def __init__(self, network: Network, ids: Tensor, share: float, *, blocks: int = 0, weight: float = 0.0) -> None:
        """Wrap a network.

        Args:
            network: the teacher.
            ids: as :func:`translate_ids` returns them.
            share: the share (0 to 1) of the teacher's probabilities in the targets; the rest is the right token's.
            blocks: the number of the student's layers, if it learns the hidden states: each learns what as many of the
                teacher's layers do together.
            weight: of the hidden states.

        Raises:
            StudentError: the teacher's layers can't be divided into so many blocks.
        """
        count = len(layers(network))
        if blocks and count % blocks:
            raise StudentError(
                f"{blocks} layers can't learn the hidden states of {count}: the one must divide the other."
            )
        self._network = network
        self._ids = ids.to(network.device)
        self._share = share
        self._block = count // blocks if blocks else 0
        self._weight = weight

    @torch.no_grad()
    def targets(self, ids: Tensor, at: Tensor, labels: Tensor) -> Targets:
        """Return what to learn from a batch.

        Args:
            ids: int64 [b, n], the student's ids.
            at: int64 [b, m], the positions of the masks.
            labels: int64 [b, m], the right tokens, as the student's ids.
        """
        outputs: list[Tensor] = []
        logits = mask_logits(self._network, self._ids[ids], at, outputs)[:, self._ids]
        probabilities = logits.softmax(-1, dtype=torch.float32) * self._share
        right = torch.full((labels.numel(), 1), 1 - self._share, device=ids.device)
        probabilities.scatter_add_(1, labels.flatten()[:, None], right)
        states = outputs[self._block - 1 :: self._block] if self._block else []
        return Targets(probabilities, states, self._weight)
