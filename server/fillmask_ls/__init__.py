"""Fill ``[MASK]`` in any document with the words that fit, by a masked language model."""

__version__ = "0.1.0"

MASK = "[MASK]"
"""How a mask is written in every document, whatever the model's own mask token is."""
