"""The calls of a transformers tokenizer, for users who know them. Imports torch only for tensors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload


class TokenizerCalls:
    """Adds transformers' calls to :class:`~fillmask_ls.mlm.tokenization.Tokenizer`."""

    if TYPE_CHECKING:
        vocabulary: Any
        unknown_id: int | None
        mask_token: str

        def encode(self, text: str) -> Any: ...

    def __call__(self, text: str | Sequence[str], return_tensors: str | None = None) -> dict[str, Any]:
        """Tokenize one text or several; ``[MASK]`` becomes the model's mask token.

        Args:
            text: a text, or several, which are padded to one length.
            return_tensors: ``"pt"`` for tensors [b, n] in which one text is a row as well; by default lists.

        Returns:
            ``input_ids`` and ``attention_mask``, which is 0 where a row is padded.

        Raises:
            ValueError: ``return_tensors`` is neither None nor ``"pt"``.

        >>> model.tokenizer("Fort Sumter", return_tensors="pt")["input_ids"]
        tensor([[ 101, 3481, 7680, 3334,  102]])
        """
        if return_tensors not in (None, "pt"):
            raise ValueError(f"return_tensors must be 'pt' or None, not {return_tensors!r}")
        rows = [self.encode(each).ids for each in ([text] if isinstance(text, str) else text)]
        length = max(map(len, rows), default=0)
        found = {
            "input_ids": [[*row, *[self.pad_id] * (length - len(row))] for row in rows],
            "attention_mask": [[*[1] * len(row), *[0] * (length - len(row))] for row in rows],
        }
        if return_tensors == "pt":
            import torch

            return {name: torch.tensor(values) for name, values in found.items()}
        return {name: values[0] for name, values in found.items()} if isinstance(text, str) else found

    @overload
    def convert_ids_to_tokens(self, ids: int) -> str: ...

    @overload
    def convert_ids_to_tokens(self, ids: Any) -> list[str]: ...

    def convert_ids_to_tokens(self, ids: Any) -> str | list[str]:
        """Return the token of an id, or the tokens of a list or tensor of ids.

        >>> model.tokenizer.convert_ids_to_tokens([7680, 3334])
        ['sum', '##ter']
        """
        ids = ids.tolist() if hasattr(ids, "tolist") else ids
        return str(self.vocabulary[ids]) if isinstance(ids, int) else [str(self.vocabulary[id]) for id in ids]

    @overload
    def convert_tokens_to_ids(self, tokens: str) -> int | None: ...  # type: ignore[overload-overlap]

    @overload
    def convert_tokens_to_ids(self, tokens: Sequence[str]) -> list[int | None]: ...

    def convert_tokens_to_ids(self, tokens: str | Sequence[str]) -> int | list[int | None] | None:
        """Return the id of a token, or the ids of several; the unknown token's id for one outside of the vocabulary.

        >>> model.tokenizer.convert_tokens_to_ids("[MASK]")
        103
        """
        if isinstance(tokens, str):
            return self.vocab.get(tokens, self.unknown_id)
        return [self.vocab.get(token, self.unknown_id) for token in tokens]

    @cached_property
    def vocab(self) -> dict[str, int]:
        """The id of every token."""
        return {token: id for id, token in enumerate(self.vocabulary) if token}

    @cached_property
    def pad_id(self) -> int:
        """The id of the token that fills short rows up."""
        return self.vocab.get("[PAD]", self.vocab.get("<pad>", 0))

    @cached_property
    def special_tokens_map(self) -> dict[str, str]:
        """The tokens that have a role, by the names of their roles; only those that the vocabulary has."""
        around = self.encode("").ids
        ids = {
            "unk_token": self.unknown_id,
            "sep_token": around[-1] if around else None,
            "pad_token": self.pad_id,
            "cls_token": around[0] if around else None,
            "mask_token": self.vocab[self.mask_token],
        }
        return {name: str(self.vocabulary[id]) for name, id in ids.items() if id is not None}
