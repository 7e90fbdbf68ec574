--- Completion in Neovim older than 0.11. Its own completion removes words that don't start with the text before the
--- cursor, which is the mask.
local M = {}

local words = {}

--- Bytes to delete after the cursor when a word is accepted: the rest of a mask that the cursor is inside of.
local tail_length = 0

--- Return the text edit of an item, with the list's default range if the item has none.
local function item_edit(item, defaults)
  return item.textEdit or { range = defaults.editRange, newText = item.textEditText or item.label }
end

--- The omnifunc, see `:help complete-functions`.
function M.complete(findstart)
  if findstart == 0 then
    return words
  end
  words, tail_length = {}, 0
  local client = require('fillmask').client()
  if not client then
    return -3
  end
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  local answer = client.request_sync('textDocument/completion', params, 6000, vim.api.nvim_get_current_buf())
  local list = answer and type(answer.result) == 'table' and answer.result
  if not (list and list.items[1]) then
    return -3
  end
  local defaults = list.itemDefaults or {}
  local range = item_edit(list.items[1], defaults).range
  for _, item in ipairs(list.items) do
    local edit = item_edit(item, defaults)
    if edit.range.start.character == range.start.character then
      table.insert(words, { word = edit.newText, menu = item.detail, user_data = 'fillmask', icase = 1, dup = 1 })
    end
  end
  local line = vim.api.nvim_get_current_line()
  local function byte(position)
    return vim.lsp.util._str_byteindex_enc(line, position.character, client.offset_encoding)
  end
  tail_length = math.max(0, byte(range['end']) - column)
  -- Start an undo step, so that undoing an accepted word restores the mask.
  vim.bo.undolevels = vim.bo.undolevels
  return byte(range.start)
end

local function remove_mask_tail(event)
  if tail_length > 0 and vim.v.completed_item.user_data == 'fillmask' then
    local row, column = unpack(vim.api.nvim_win_get_cursor(0))
    vim.api.nvim_buf_set_text(event.buf, row - 1, column, row - 1, column + tail_length, {})
  end
  tail_length = 0
end

local function open_menu_at_mask()
  local before = vim.api.nvim_get_current_line():sub(1, vim.api.nvim_win_get_cursor(0)[2])
  if vim.fn.pumvisible() == 0 and before:sub(-6) == '[MASK]' then
    vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes('<C-x><C-o>', true, false, true), 'n', false)
  end
end

--- Enable completion in a buffer.
function M.attach(buffer)
  vim.bo[buffer].omnifunc = "v:lua.require'fillmask.omnifunc'.complete"
  local group = vim.api.nvim_create_augroup('fillmask.omnifunc.' .. buffer, {})
  vim.api.nvim_create_autocmd('CompleteDone', { group = group, buffer = buffer, callback = remove_mask_tail })
  if require('fillmask').option('autotrigger') then
    -- Without noselect, an automatically opened menu inserts its first word.
    vim.opt_local.completeopt:append({ 'menuone', 'noselect' })
    vim.api.nvim_create_autocmd('TextChangedI', { group = group, buffer = buffer, callback = open_menu_at_mask })
  end
end

return M
