--- Completion: the menu of words for a mask.
local M = {}

--- Where the menu opened: the cursor's row and byte column, and the line at that time.
local menu

--- Return the LSP item and client of a completed item if fillmask-ls provided it.
local function fillmask_item(item)
  local data = type(item.user_data) == 'table' and vim.tbl_get(item.user_data, 'nvim', 'lsp') or nil
  local client = data and vim.lsp.get_client_by_id(data.client_id)
  if client and client.name == 'fillmask' then
    return data.completion_item, client
  end
end

--- Remember where the menu opens, and start an undo step, so that undoing an accepted word restores the mask.
local function on_menu_open(event)
  if not vim.tbl_isempty(vim.v.event.completed_item) then
    return
  end
  local first = vim.fn.complete_info({ 'items' }).items[1]
  if first and first.word ~= '[MASK]' and fillmask_item(first) then
    local row, column = unpack(vim.api.nvim_win_get_cursor(0))
    menu = { row = row, column = column, line = vim.api.nvim_get_current_line() }
    vim.bo[event.buf].undolevels = vim.bo[event.buf].undolevels
  end
end

--- Open the menu for a mask that was inserted, or that was typed while the server started or loaded its model.
local function open_menu_at_mask(buffer)
  local before = vim.api.nvim_get_current_line():sub(1, vim.api.nvim_win_get_cursor(0)[2])
  local is_inserting = vim.api.nvim_get_current_buf() == buffer and vim.api.nvim_get_mode().mode:sub(1, 1) == 'i'
  if is_inserting and vim.fn.pumvisible() == 0 and before:find('%[MASK%]%w*$') then
    vim.lsp.completion.get()
  end
end

--- Delete the rest of a mask that the cursor was inside of: Neovim replaces only the text before the cursor. After a mask
--- was inserted, open the menu for it.
local function on_done(event)
  local item, client = fillmask_item(vim.v.completed_item)
  if item and item.label == '[MASK]' then
    vim.schedule(function()
      open_menu_at_mask(event.buf)
    end)
  end
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  if item and item.textEdit and menu and menu.row == row then
    local last = vim.str_byteindex(menu.line, client.offset_encoding, item.textEdit.range['end'].character, false)
    if last > menu.column then
      vim.api.nvim_buf_set_text(event.buf, row - 1, column, row - 1, column + last - menu.column, {})
    end
  end
  menu = nil
end

--- Enable completion in a buffer of the client.
function M.attach(client, buffer)
  if not (vim.lsp.completion and vim.lsp.completion.enable) then
    require('fillmask.omnifunc').attach(buffer)
    return
  end
  local autotrigger = require('fillmask').option('autotrigger')
  vim.lsp.completion.enable(true, client.id, buffer, { autotrigger = autotrigger })
  if autotrigger then
    -- Without noselect, an automatically opened menu inserts its first word.
    vim.opt_local.completeopt:append({ 'menuone', 'noselect' })
    vim.schedule(function()
      open_menu_at_mask(buffer)
    end)
  end
  local group = vim.api.nvim_create_augroup('fillmask.completion.' .. buffer, {})
  if autotrigger then
    vim.api.nvim_create_autocmd('LspProgress', {
      group = group,
      pattern = 'end',
      callback = function(event)
        if event.data.client_id == client.id then
          open_menu_at_mask(buffer)
        end
      end,
    })
  end
  vim.api.nvim_create_autocmd('CompleteChanged', { group = group, buffer = buffer, callback = on_menu_open })
  vim.api.nvim_create_autocmd('CompleteDone', { group = group, buffer = buffer, callback = on_done })
  vim.api.nvim_create_autocmd('LspDetach', {
    group = group,
    buffer = buffer,
    callback = function(event)
      if event.data.client_id == client.id then
        -- Neovim 0.11 doesn't disable it, and reports an error at each letter after the next `:edit`.
        vim.lsp.completion.enable(false, client.id, buffer)
      end
    end,
  })
end

return M
