if vim.g.loaded_fillmask then
  return
end
vim.g.loaded_fillmask = true

if vim.fn.has('nvim-0.8') == 0 then
  vim.notify('fillmask: This plugin requires Neovim 0.8 or newer.', vim.log.levels.WARN)
  return
end

vim.api.nvim_create_autocmd('LspAttach', {
  group = vim.api.nvim_create_augroup('fillmask', {}),
  callback = function(event)
    local client = vim.lsp.get_client_by_id(event.data.client_id)
    if client and client.name == 'fillmask' then
      require('fillmask').attach(client, event.buf)
    end
  end,
})

--- Define a user command.
--- @param name string the command's name without the prefix `Fillmask`
--- @param method string the function of `require('fillmask')` to call
--- @param options table see `:help nvim_create_user_command()`
local function command(name, method, options)
  vim.api.nvim_create_user_command('Fillmask' .. name, function(opts)
    require('fillmask')[method](opts)
  end, options)
end

command('Suggest', 'suggest', { desc = 'Suggest words at the cursor, with or without a mask' })
command('Fill', 'fill', { nargs = '?', desc = 'Fill the mask at the cursor with the best word or a given one' })
command('FillAll', 'fill_all', { range = true, desc = 'Fill all masks in the document or range together' })
command('Mask', 'mask', { range = true, nargs = '?', desc = 'Mask random words at a rate, by default 0.15' })
command('Unmask', 'unmask', { range = true, desc = 'Restore masked words' })
command('Score', 'score', { range = true, desc = 'Show how likely the text is, word by word' })
command('Inspect', 'inspect', { range = true, desc = 'Show what the model predicts for the text' })
command('Model', 'model', { nargs = 1, desc = 'Use another model until the server stops' })
command('Download', 'download', { nargs = 1, desc = 'Download a model from the Hugging Face hub' })
command('Status', 'status', { desc = 'Show which model is used' })
