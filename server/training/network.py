"""Forward pass and loss of a BERT or MPNet masked language model: no padding, last layer and head at the masks only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, linear, mse_loss, scaled_dot_product_attention
from transformers import AutoConfig, BertForMaskedLM, MPNetForMaskedLM

from fillmask_ls.mlm.checkpoint import weight_files
from fillmask_ls.mlm.stored_weights import read_quantized

from .errors import StepError

Network: TypeAlias = "BertForMaskedLM | MPNetForMaskedLM"
_CLASSES: dict[str, Any] = {"bert": BertForMaskedLM, "mpnet": MPNetForMaskedLM}


class NetworkError(StepError):
    """A folder contains no network that this recipe trains; the message states the reason."""


def load_network(folder: str | Path, counts: Tensor) -> Network:
    """Load a BERT or MPNet network without dropout, in float32.

    A missing head begins as the identity, with a bias from the frequencies of the tokens.

    Args:
        folder: an encoder or a masked language model.
        counts: [vocabulary], how often each token occurs in the text to train on.

    Raises:
        NetworkError: the folder contains another architecture.
    """
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    if config.model_type not in _CLASSES or config.hidden_act != "gelu":
        raise NetworkError(f"{folder} is not a BERT or MPNet network with GELU: this recipe trains no other.")
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    weights = read_quantized(weight_files(Path(folder), str(folder)))
    network, report = _CLASSES[config.model_type].from_pretrained(
        folder if weights is None else None,
        config=config,
        state_dict=weights,
        dtype=torch.float32,
        local_files_only=True,
        output_loading_info=True,
    )
    parts = head(network)
    names = {id(weight): name for name, weight in network.named_parameters()}
    if names[id(parts.dense.weight)] in report["missing_keys"]:
        _start_head(parts, counts)
    return network  # type: ignore[no-any-return]


def new_network(config: Any) -> Network:
    """Return an untrained network of a configuration's architecture."""
    return _CLASSES[config.model_type](config)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Head:
    """A masked-LM head: ``decoder(norm(gelu(dense(hidden))))``; the decoder's weight is the word embeddings."""

    dense: nn.Linear
    norm: nn.LayerNorm
    decoder: nn.Linear

    def parameters(self) -> list[nn.Parameter]:
        """Return the parameters that only the head has."""
        return [*self.dense.parameters(), *self.norm.parameters(), self.decoder.bias]


def head(network: Network) -> Head:
    """Return the head of a network."""
    if isinstance(network, MPNetForMaskedLM):
        parts: Any = network.lm_head
        return Head(parts.dense, parts.layer_norm, parts.decoder)
    parts = network.cls.predictions
    return Head(parts.transform.dense, parts.transform.LayerNorm, parts.decoder)


@torch.no_grad()
def _start_head(parts: Head, counts: Tensor) -> None:
    nn.init.eye_(parts.dense.weight)
    nn.init.zeros_(parts.dense.bias)
    parts.norm.reset_parameters()
    frequencies = (counts + 1) / (counts + 1).sum()
    parts.decoder.bias.copy_(frequencies.log())


def has_trained_head(network: Network) -> bool:
    """Return whether the head is another than the one that :func:`load_network` gives to an encoder."""
    dense = head(network).dense.weight
    return not torch.equal(dense, torch.eye(len(dense)))


def freeze(network: Network, count: int) -> None:
    """Exclude the first ``count`` layers, and the position embeddings below them, from training.

    The word embeddings are still trained, as the decoder's weight.
    """
    if count:
        embeddings: Any = network.base_model.embeddings
        for frozen in (embeddings, *layers(network)[:count]):
            frozen.requires_grad_(False)
        embeddings.word_embeddings.requires_grad_(True)


def trained_weights(network: Network) -> dict[str, Tensor]:
    """Return the weights that are not frozen, by their names."""
    return {name: weight for name, weight in network.named_parameters() if weight.requires_grad}


def masked_loss(network: Network, ids: Tensor, at: Tensor, labels: Tensor) -> Tensor:
    """Return the summed cross-entropy of the labels, in nats.

    Args:
        ids: int64 [b, n], rows of one length.
        at: int64 [b, m], the positions of the masks in each row.
        labels: int64 [b, m], the original tokens there.
    """
    transformed = _transformed(network, ids, at)
    decoder = head(network).decoder
    dtype = transformed.dtype
    loss: Tensor = _CrossEntropy.apply(transformed, decoder.weight.to(dtype), decoder.bias.to(dtype), labels.flatten())  # type: ignore[no-untyped-call]
    return loss


def soft_loss(
    network: Network, ids: Tensor, at: Tensor, targets: Tensor, states: Sequence[Tensor] = (), weight: float = 0.0
) -> Tensor:
    """Return the summed cross-entropy of target distributions [b · m, vocabulary], in nats.

    Args:
        states: what the lower layers should put out, each [b, n, h] (Romero et al. 2015).
        weight: of the squared distance from them, as a share of their variance, averaged over the layers; it is added
            once for each mask.
    """
    outputs: list[Tensor] = []
    transformed = _transformed(network, ids, at, outputs)
    decoder = head(network).decoder
    dtype = transformed.dtype
    loss: Tensor = _SoftCrossEntropy.apply(transformed, decoder.weight.to(dtype), decoder.bias.to(dtype), targets)  # type: ignore[no-untyped-call]
    for output, state in zip(outputs, states, strict=False):
        distance = mse_loss(output.float(), state.float()) / state.float().var()
        loss = loss + distance * (weight * at.numel() / len(states))
    return loss


def mask_logits(network: Network, ids: Tensor, at: Tensor, outputs: list[Tensor] | None = None) -> Tensor:
    """Return the logits at the masks, [b · m, vocabulary]; arguments as for :func:`masked_loss`.

    Args:
        outputs: the output [b, n, h] of each layer but the last is appended to it.
    """
    logits: Tensor = head(network).decoder(_transformed(network, ids, at, outputs))
    return logits


def _transformed(network: Network, ids: Tensor, at: Tensor, outputs: list[Tensor] | None = None) -> Tensor:
    """Return what the decoder reads at the masks, [b · m, size]."""
    base: Any = network.base_model
    *lower, last = layers(network)
    heads = network.config.num_attention_heads
    trained = [layer.output.dense.weight.requires_grad for layer in lower]
    with torch.set_grad_enabled(torch.is_grad_enabled() and all(trained)):
        hidden = base.embeddings(input_ids=ids).to(_compute_dtype(ids.device))
    bias = _position_bias(network, hidden)
    for layer, is_trained in zip(lower, trained, strict=True):
        with torch.set_grad_enabled(torch.is_grad_enabled() and is_trained):
            hidden = _layer(layer, hidden, heads, bias)
        if outputs is not None:
            outputs.append(hidden)
    if bias is not None:
        bias = bias[0][:, at].transpose(0, 1)
    hidden = _layer(last, hidden, heads, bias, at)
    parts = head(network)
    transformed: Tensor = parts.norm(gelu(parts.dense(hidden.flatten(0, 1))))
    return transformed


def _compute_dtype(device: torch.device) -> torch.dtype:
    return torch.get_autocast_dtype(device.type) if torch.is_autocast_enabled(device.type) else torch.float32


def layers(network: Network) -> list[Any]:
    """Return the layers of a network, the lowest first."""
    encoder: Any = network.base_model.encoder
    return list(encoder.layer)


def _position_bias(network: Network, hidden: Tensor) -> Tensor | None:
    """Return what MPNet adds to the attention scores, [1, heads, n, n]."""
    if not isinstance(network, MPNetForMaskedLM):
        return None
    encoder: Any = network.mpnet.encoder
    bias: Tensor = encoder.compute_position_bias(hidden[:1])
    return bias.to(hidden.dtype)


@dataclass(frozen=True, slots=True)
class Attention:
    """The attention of a layer: ``norm(output(attended) + hidden)``."""

    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    output: nn.Linear
    norm: nn.LayerNorm


def attention(layer: Any) -> Attention:
    """Return the attention of a layer of a BERT or MPNet network."""
    attention = layer.attention
    if hasattr(attention, "attn"):
        own = attention.attn
        return Attention(own.q, own.k, own.v, own.o, attention.LayerNorm)
    own, output = attention.self, attention.output
    return Attention(own.query, own.key, own.value, output.dense, output.LayerNorm)


def _layer(layer: Any, hidden: Tensor, heads: int, bias: Tensor | None, at: Tensor | None = None) -> Tensor:
    rows, _, size = hidden.shape

    def split(projected: Tensor) -> Tensor:
        return projected.view(rows, -1, heads, size // heads).transpose(1, 2)

    own = attention(layer)
    key, value = split(own.key(hidden)), split(own.value(hidden))
    if at is not None:
        hidden = hidden.gather(1, at[..., None].expand(-1, -1, size))
    query = split(own.query(hidden))
    if hidden.device.type == "cpu":  # torch's fused attention has a slow backward pass here
        scores = (query * (size // heads) ** -0.5) @ key.transpose(-1, -2)
        if bias is not None:
            scores = scores + bias
        attended = scores.softmax(-1, dtype=query.dtype) @ value
    else:
        attended = scaled_dot_product_attention(query, key, value, attn_mask=bias)
    attended = attended.transpose(1, 2).reshape(rows, -1, size)
    hidden = own.norm(own.output(attended) + hidden)
    intermediate = gelu(layer.intermediate.dense(hidden))
    normed: Tensor = layer.output.LayerNorm(layer.output.dense(intermediate) + hidden)
    return normed


class _CrossEntropy(torch.autograd.Function):
    """Decoder, softmax and loss in one: computes the gradient in the forward pass, so it reads the logits once."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, labels: Tensor) -> Tensor:
        probabilities = linear(hidden, weight, bias).softmax(-1, dtype=torch.float32)
        at = labels[:, None]
        loss = -probabilities.gather(1, at).clamp_min(1e-30).log().sum()
        gradient = probabilities.scatter_add_(1, at, torch.full_like(at, -1, dtype=torch.float32)).to(weight.dtype)
        ctx.save_for_backward(gradient @ weight, gradient.T @ hidden, gradient.sum(0, dtype=torch.float32))
        return loss

    @staticmethod
    def backward(ctx: Any, scale: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        hidden, weight, bias = ctx.saved_tensors
        return hidden * scale, weight * scale, bias * scale, None


class _SoftCrossEntropy(torch.autograd.Function):
    """As :class:`_CrossEntropy`, for target distributions in place of labels."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
        log_probabilities = linear(hidden, weight, bias).log_softmax(-1, dtype=torch.float32)
        loss = -(log_probabilities * targets).sum()
        gradient = (log_probabilities.exp_() - targets).to(weight.dtype)
        ctx.save_for_backward(gradient @ weight, gradient.T @ hidden, gradient.sum(0, dtype=torch.float32))
        return loss

    backward = _CrossEntropy.backward
