-- The script's [MASK] is
⟹ The script's [MASK] is wrapped.
-- wrapped.
--[[ A block of
two [MASK] lines. ]]
⟹ A block of two [MASK] lines.
local x = "The city of [MASK]"
⟹ The city of [MASK]
