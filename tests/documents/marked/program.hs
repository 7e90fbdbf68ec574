-- | The function's [MASK] is
⟹ The function's [MASK] is wrapped.
-- wrapped.
first = 1 {- A block of [MASK] words. -}
⟹ A block of [MASK] words.
