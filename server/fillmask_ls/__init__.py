"""Suggest words for ``[MASK]`` in any document, with a masked language model."""

__version__ = "0.1.0"

MASK = "[MASK]"
"""A mask in a document, whatever the model's own mask token is."""
