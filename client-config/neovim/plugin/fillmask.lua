if vim.g.loaded_fillmask then
  return
end
vim.g.loaded_fillmask = true

if vim.fn.has('nvim-0.8') == 0 then
  vim.notify('fillmask: Neovim 0.8 or newer is needed', vim.log.levels.WARN)
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

--- @param name string
--- @param method string
--- @param options table
local function command(name, method, options)
  vim.api.nvim_create_user_command('Fillmask' .. name, function(given)
    require('fillmask')[method](given)
  end, options)
end

command('Fill', 'fill', { nargs = '?', desc = 'Fill the mask at the cursor, with the best word or the one given' })
command('FillAll', 'fill_all', { range = true, desc = 'Fill all masks of the document or range together' })
command('Mask', 'mask', { range = true, nargs = '?', desc = 'Hide a share of the words, 0.15 or the one given' })
command('Unmask', 'unmask', { range = true, desc = 'Put back the words that masks hide' })
command('Score', 'score', { range = true, desc = 'Show how likely the text is, word by word' })
command('Inspect', 'inspect', { range = true, desc = 'Show what the model makes of the text' })
command('Model', 'model', { nargs = 1, desc = 'Let another model answer until Neovim ends' })
command('Download', 'download', { nargs = 1, desc = 'Fetch a model from the Hugging Face hub' })
command('Status', 'status', { desc = 'Say which model answers' })
