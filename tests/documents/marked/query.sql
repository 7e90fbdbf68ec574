-- The query's [MASK] is
⟹ The query's [MASK] is wrapped.
-- wrapped.
SELECT 'The city of [MASK]' /* in a [MASK] */ FROM x;
⟹ The city of [MASK]
⟹ in a [MASK]
