-- No filetypes and no root markers: every kind of document, with a project around it or without.
return {
  cmd = { 'fillmask-ls' },
  settings = { fillmask = vim.empty_dict() },
  -- Neovim 0.10 and 0.11 ask for ghost text only through lua/fillmask/ghost_text.lua.
  capabilities = { textDocument = { inlineCompletion = vim.empty_dict() } },
}
