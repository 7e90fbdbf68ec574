--- The best word behind the mask that the cursor is at, in Insert mode.
---
--- vim.lsp.inline_completion takes what stands before the cursor for the beginning of the word, and cuts off as many
--- letters as the mask has. So the server's answers are shown here.
local M = {}

local namespace = vim.api.nvim_create_namespace('fillmask.ghost_text')
local PAUSE = 200 -- milliseconds

--- The item that is shown: buffer, the item, and its client.
local shown
local asked = 0

local function hide()
  if shown and vim.api.nvim_buf_is_valid(shown.buffer) then
    vim.api.nvim_buf_clear_namespace(shown.buffer, namespace, 0, -1)
  end
  shown, asked = nil, asked + 1
end

--- The columns that the item replaces, in bytes.
local function bytes(client, buffer, range)
  local line = vim.api.nvim_buf_get_lines(buffer, range.start.line, range.start.line + 1, false)[1]
  local function byte(position)
    return vim.str_byteindex(line, client.offset_encoding, position.character, false)
  end
  return byte(range.start), byte(range['end'])
end

local function show(client, buffer, item)
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local first = bytes(client, buffer, item.range)
  -- The filter text is the mask with the word typed behind it.
  local typed = vim.api.nvim_get_current_line():sub(first + 1, column)
  local rest = vim.startswith(item.filterText, typed) and item.filterText:sub(#typed + 1) or item.insertText
  shown = { buffer = buffer, client = client, item = item }
  vim.api.nvim_buf_set_extmark(buffer, namespace, row - 1, column, {
    virt_text = { { rest, vim.fn.hlexists('ComplHint') == 1 and 'ComplHint' or 'NonText' } },
    virt_text_pos = 'inline',
    hl_mode = 'combine',
  })
end

local function ask(client, buffer)
  hide()
  local number = asked
  vim.defer_fn(function()
    if number ~= asked or vim.api.nvim_get_current_buf() ~= buffer or client:is_stopped() then
      return
    end
    local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
    params.context = { triggerKind = 2 }
    client:request('textDocument/inlineCompletion', params, function(_, result)
      local inserting = vim.api.nvim_get_mode().mode:sub(1, 1) == 'i'
      if number == asked and inserting and type(result) == 'table' and result[1] then
        show(client, buffer, result[1])
      end
    end, buffer)
  end, PAUSE)
end

--- Puts the word that is shown in the mask's place.
--- @return boolean whether there was one
function M.accept()
  if not shown then
    return false
  end
  local buffer, client, item = shown.buffer, shown.client, shown.item
  hide()
  vim.schedule(function()
    local row, first, last = item.range.start.line, bytes(client, buffer, item.range)
    vim.bo[buffer].undolevels = vim.bo[buffer].undolevels -- one step of undo
    vim.api.nvim_buf_set_text(buffer, row, first, row, last, { item.insertText })
    vim.api.nvim_win_set_cursor(0, { row + 1, first + #item.insertText })
  end)
  return true
end

function M.attach(client, buffer)
  if vim.fn.has('nvim-0.11') == 0 then -- which shows virtual text within a line, and counts in any encoding
    return
  end
  if vim.lsp.inline_completion then
    vim.lsp.inline_completion.enable(false, { client_id = client.id })
  end
  local group = vim.api.nvim_create_augroup('fillmask.ghost_text.' .. buffer, {})
  vim.api.nvim_create_autocmd({ 'InsertEnter', 'CursorMovedI', 'TextChangedI', 'TextChangedP' }, {
    group = group,
    buffer = buffer,
    callback = function()
      ask(client, buffer)
    end,
  })
  vim.api.nvim_create_autocmd('InsertLeave', { group = group, buffer = buffer, callback = hide })
  local key = require('fillmask').option('accept')
  if key and vim.fn.maparg(key, 'i') == '' then
    vim.keymap.set('i', key, function()
      return M.accept() and '' or key
    end, { buffer = buffer, expr = true, desc = 'Accept the word that fillmask shows' })
  end
end

return M
