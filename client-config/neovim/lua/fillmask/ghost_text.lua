--- Ghost text: the best word after the mask at the cursor, in Insert mode.
---
--- vim.lsp.inline_completion takes the text before the cursor for the start of the word, and cuts off as many letters
--- as the mask has. So this module requests and shows the completions itself.
local M = {}

local namespace = vim.api.nvim_create_namespace('fillmask.ghost_text')
local DELAY = 200 -- milliseconds after a keystroke

--- The visible item, with its buffer and client.
local shown

--- Number of the latest request. Answers to earlier requests are stale.
local request_id = 0

local function hide()
  if shown and vim.api.nvim_buf_is_valid(shown.buffer) then
    vim.api.nvim_buf_clear_namespace(shown.buffer, namespace, 0, -1)
  end
  shown, request_id = nil, request_id + 1
end

--- Return the first and last column that the item replaces, in bytes.
local function byte_columns(client, buffer, range)
  local line = vim.api.nvim_buf_get_lines(buffer, range.start.line, range.start.line + 1, false)[1]
  local function byte(position)
    return vim.str_byteindex(line, client.offset_encoding, position.character, false)
  end
  return byte(range.start), byte(range['end'])
end

local function show(client, buffer, item)
  local row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local first = byte_columns(client, buffer, item.range)
  -- The filter text is the mask followed by the word.
  local typed = vim.api.nvim_get_current_line():sub(first + 1, column)
  local remaining = vim.startswith(item.filterText, typed) and item.filterText:sub(#typed + 1) or item.insertText
  shown = { buffer = buffer, client = client, item = item }
  vim.api.nvim_buf_set_extmark(buffer, namespace, row - 1, column, {
    virt_text = { { remaining, vim.fn.hlexists('ComplHint') == 1 and 'ComplHint' or 'NonText' } },
    virt_text_pos = 'inline',
    hl_mode = 'combine',
  })
end

local function request(client, buffer)
  hide()
  local id = request_id
  vim.defer_fn(function()
    if id ~= request_id or vim.api.nvim_get_current_buf() ~= buffer or client:is_stopped() then
      return
    end
    local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
    params.context = { triggerKind = 2 }
    client:request('textDocument/inlineCompletion', params, function(_, result)
      local is_inserting = vim.api.nvim_get_mode().mode:sub(1, 1) == 'i'
      if id == request_id and is_inserting and type(result) == 'table' and result[1] then
        show(client, buffer, result[1])
      end
    end, buffer)
  end, DELAY)
end

--- Replace the mask with the ghost text.
--- @return boolean whether there was ghost text
function M.accept()
  if not shown then
    return false
  end
  local buffer, client, item = shown.buffer, shown.client, shown.item
  hide()
  vim.schedule(function()
    local row, first, last = item.range.start.line, byte_columns(client, buffer, item.range)
    vim.bo[buffer].undolevels = vim.bo[buffer].undolevels -- starts an undo step
    vim.api.nvim_buf_set_text(buffer, row, first, row, last, { item.insertText })
    vim.api.nvim_win_set_cursor(0, { row + 1, first + #item.insertText })
  end)
  return true
end

--- Enable ghost text in a buffer of the client.
function M.attach(client, buffer)
  if vim.fn.has('nvim-0.11') == 0 then -- 0.11 added vim.str_byteindex for any encoding
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
      request(client, buffer)
    end,
  })
  vim.api.nvim_create_autocmd('InsertLeave', { group = group, buffer = buffer, callback = hide })
  local key = require('fillmask').option('accept')
  if key and vim.fn.maparg(key, 'i') == '' then
    vim.keymap.set('i', key, function()
      -- <C-e> closes the list of words, which would stay open.
      local instead = vim.fn.pumvisible() == 1 and '<C-e>' or ''
      return M.accept() and instead or key
    end, { buffer = buffer, expr = true, desc = 'Accept the ghost text of fillmask' })
  end
end

return M
