--- The popup with the words for a mask.
local M = {}

--- Where the popup opened: buffer, row, the cursor's byte and the line as it was.
local opened

local function ours(item)
  local data = type(item.user_data) == 'table' and vim.tbl_get(item.user_data, 'nvim', 'lsp') or nil
  local client = data and vim.lsp.get_client_by_id(data.client_id)
  if client and client.name == 'fillmask' then
    return data.completion_item, client
  end
end

--- What is going to be accepted is to be a step of undo of its own, so that the mask comes back.
local function note_opening(event)
  if not vim.tbl_isempty(vim.v.event.completed_item) then
    return
  end
  local first = vim.fn.complete_info({ 'items' }).items[1]
  if first and first.word ~= '[MASK]' and ours(first) then
    local row, column = unpack(vim.api.nvim_win_get_cursor(0))
    opened = { row = row, column = column, line = vim.api.nvim_get_current_line() }
    vim.bo[event.buf].undolevels = vim.bo[event.buf].undolevels
  end
end

--- Neovim replaces what is before the cursor. With the cursor inside the mask the rest of it is to go, too.
local function remove_rest(event)
  local item, client = ours(vim.v.completed_item)
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  if item and item.textEdit and opened and opened.row == row then
    local last = vim.str_byteindex(opened.line, client.offset_encoding, item.textEdit.range['end'].character, false)
    if last > opened.column then
      vim.api.nvim_buf_set_text(event.buf, row - 1, column, row - 1, column + last - opened.column, {})
    end
  end
  opened = nil
end

--- For a mask that was typed while the server started or loaded its model.
local function open_late(buffer)
  local typed = vim.api.nvim_get_current_line():sub(1, vim.api.nvim_win_get_cursor(0)[2])
  local here = vim.api.nvim_get_current_buf() == buffer and vim.api.nvim_get_mode().mode:sub(1, 1) == 'i'
  if here and vim.fn.pumvisible() == 0 and typed:find('%[MASK%]%w*$') then
    vim.lsp.completion.get()
  end
end

function M.attach(client, buffer)
  if not (vim.lsp.completion and vim.lsp.completion.enable) then
    require('fillmask.omnifunc').attach(buffer)
    return
  end
  local autotrigger = require('fillmask').option('autotrigger')
  vim.lsp.completion.enable(true, client.id, buffer, { autotrigger = autotrigger })
  if autotrigger then
    -- Otherwise the popup that opens by itself inserts its first word by itself.
    vim.opt_local.completeopt:append({ 'menuone', 'noselect' })
    vim.schedule(function()
      open_late(buffer)
    end)
  end
  local group = vim.api.nvim_create_augroup('fillmask.completion.' .. buffer, {})
  if autotrigger then
    vim.api.nvim_create_autocmd('LspProgress', {
      group = group,
      pattern = 'end',
      callback = function(event)
        if event.data.client_id == client.id then
          open_late(buffer)
        end
      end,
    })
  end
  vim.api.nvim_create_autocmd('CompleteChanged', { group = group, buffer = buffer, callback = note_opening })
  vim.api.nvim_create_autocmd('CompleteDone', { group = group, buffer = buffer, callback = remove_rest })
  vim.api.nvim_create_autocmd('LspDetach', {
    group = group,
    buffer = buffer,
    callback = function(event)
      if event.data.client_id == client.id then
        -- Neovim 0.11 forgets that, and fails at each letter after the next `:edit`.
        vim.lsp.completion.enable(false, client.id, buffer)
      end
    end,
  })
end

return M
