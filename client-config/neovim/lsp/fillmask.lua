-- Without filetypes and root markers, the server attaches to every document, in a project or not.
return {
  cmd = { 'fillmask-ls' },
  settings = { fillmask = vim.empty_dict() },
  handlers = {
    -- Notify instead of prompting: a prompt would swallow what the user is typing.
    ['window/showMessageRequest'] = function(_, params)
      vim.notify(params.message .. ' :FillmaskDownload google-bert/bert-base-uncased')
      return vim.NIL
    end,
  },
  -- Neovim 0.10 and 0.11 lack this capability; lua/fillmask/ghost_text.lua requests the completions.
  capabilities = { textDocument = { inlineCompletion = vim.empty_dict() } },
}
