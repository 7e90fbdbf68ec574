"""What is known about the architectures of masked language models, by their ``model_type``.

``tests/mlm/test_parity.py`` holds it against the networks of the installed transformers. Nothing here imports torch.
"""

from __future__ import annotations

PADDING_INVARIANT = frozenset(
    {
        "albert",
        "bart",
        "bert",
        "camembert",
        "data2vec-text",
        "deberta",
        "deberta-v2",
        "distilbert",
        "electra",
        "ernie",
        "esm",
        "esmc",
        "eurobert",
        "flaubert",
        "gte",
        "ibert",
        "jina_embeddings_v3",
        "layoutlm",
        "longformer",
        "luke",
        "mbart",
        "megatron-bert",
        "modernbert",
        "modernvbert",
        "mpnet",
        "mvp",
        "neomme",
        "nomic_bert",
        "perceiver",
        "rembert",
        "roberta",
        "roberta-prelayernorm",
        "roc_bert",
        "roformer",
        "squeezebert",
        "tapas",
        "ultrabert",
        "ultravbert",
        "xlm",
        "xlm-roberta",
        "xlm-roberta-xl",
        "xmod",
    }
)
"""Architectures whose logits don't depend on padding, so that texts of several lengths can share a forward pass."""

REFUSED = {
    "mra": "its attention is a CUDA kernel, in whose absence transformers computes zeros",
}
"""Architectures that AutoModelForMaskedLM opens and that can't work here, each with the reason."""
