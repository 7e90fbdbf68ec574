"""JavaScript with JSX."""

from .javascript import LANGUAGE as LANGUAGE
