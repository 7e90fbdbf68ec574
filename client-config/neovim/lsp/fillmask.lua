-- Without filetypes and root markers, the server attaches to every document, in a project or not.
return {
  cmd = { 'fillmask-ls' },
  settings = { fillmask = vim.empty_dict() },
  handlers = {
    -- Notify instead of prompting: a prompt would swallow what the user is typing.
    ['window/showMessageRequest'] = function(_, params)
      if vim.tbl_contains(vim.tbl_map(function(action) return action.title end, params.actions or {}), 'Download') then
        require('fillmask').notify('Better words: :FillmaskDownload google-bert/bert-base-uncased')
      else
        require('fillmask').notify(params.message, params.type)
      end
      return vim.NIL
    end,
    ['window/showMessage'] = function(_, params)
      require('fillmask').notify(params.message, params.type)
      return vim.NIL
    end,
  },
  -- Neovim 0.10 and 0.11 lack this capability; lua/fillmask/ghost_text.lua requests the completions.
  capabilities = {
    textDocument = { inlineCompletion = vim.empty_dict() },
    experimental = { fillmaskSuggest = true }, -- the client command below
  },
  commands = {
    ['fillmask.suggest'] = function(command)
      local position = ((command.arguments or {})[1] or {}).position
      vim.schedule(function()
        require('fillmask').suggest(position)
      end)
    end,
  },
}
