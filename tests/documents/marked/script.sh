#!/bin/sh
# The script's [MASK] is
⟹ The script's [MASK] is wrapped.
# wrapped.
echo "The city of [MASK]." # behind [MASK] code
⟹ The city of [MASK].
⟹ behind [MASK] code
if [ -f x ]; then y=[MASK]; fi
⟹ if [ -f x ]; then y=[MASK]; fi
