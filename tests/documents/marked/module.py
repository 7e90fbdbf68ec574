#!/usr/bin/env python
"""The module's [MASK], first line.
⟹ The module's [MASK], first line. It goes on over two [MASK] lines.

It goes on over
two [MASK] lines.
⟹ The module's [MASK], first line. It goes on over two [MASK] lines.
"""
import os


def first(name):
    '''Return the [MASK] of a name.
⟹ Return the [MASK] of a name. Args: name: the [MASK] to look up.

    Args:
        name: the [MASK] to look up.
⟹ Return the [MASK] of a name. Args: name: the [MASK] to look up.

    - An item that is
      wrapped [MASK] a line.
⟹ Args: name: the [MASK] to look up. An item that is wrapped [MASK] a line.
    '''
    # A comment that is wrapped
    # over two [MASK] lines.
⟹ A comment that is wrapped over two [MASK] lines. Its second [MASK] paragraph.
    #
    # ------------------------
    # Its second [MASK] paragraph.
⟹ A comment that is wrapped over two [MASK] lines. Its second [MASK] paragraph.
    value = 1  # behind code, the [MASK] counts
⟹ behind code, the [MASK] counts
    # and this is another.
    text = ("The capital of France "
            "is the city of [MASK].")
⟹ The capital of France is the city of [MASK].
    other = f"It's {name}, the \"best\" of [MASK] words.\n"
⟹ It's name, the "best" of [MASK] words.
    [MASK] = os.path
⟹ [MASK] = os.path
    return value
