--- The Neovim client of fillmask-ls. plugin/fillmask.lua defines the user commands, which call functions of this module.
local M = {}

local defaults = { autotrigger = true, ghost_text = true, hints = true, accept = '<C-l>', suggest = '<C-Space>' }

--- Return an option: the user's value in `vim.g.fillmask`, or the default.
--- @param name string a key of `defaults`
function M.option(name)
  local value = (vim.g.fillmask or {})[name]
  if value == nil then
    return defaults[name]
  end
  return value
end

--- Show a message in one line, because Neovim waits for ENTER after a longer one.
--- @param message string
--- @param message_type? integer of the protocol: 1 error, 2 warning
function M.notify(message, message_type)
  local levels = { vim.log.levels.ERROR, vim.log.levels.WARN }
  local text = message:gsub('%s+', ' ')
  if text:sub(1, 8) ~= 'fillmask' then
    text = 'fillmask: ' .. text
  end
  local room = vim.o.columns - 13 -- the width of 'showcmd', and one
  if vim.notify == M.builtin_notify and vim.fn.strdisplaywidth(text) > room then
    text = vim.fn.strcharpart(text, 0, math.max(20, room - 1)) .. '…'
  end
  vim.notify(text, levels[message_type] or vim.log.levels.INFO)
end

--- Neovim's own vim.notify, which shows messages in the command line.
M.builtin_notify = vim.notify

--- Suggest words: for a mask, a gap between words, or in the place of a word.
--- @param position? lsp.Position by default the cursor's
function M.suggest(position)
  local client = M.client()
  if not client then
    return
  end
  if not position and vim.api.nvim_get_mode().mode:sub(1, 1) == 'i' and vim.lsp.completion and vim.lsp.completion.get then
    -- The trigger kind of a list that is asked for again: never that of a typed letter.
    vim.lsp.completion.get({ ctx = { triggerKind = 3 } })
    return
  end
  local buffer = vim.api.nvim_get_current_buf()
  position = position or vim.lsp.util.make_position_params(0, client.offset_encoding).position
  M.execute('suggest', {}, { position = position }, function(result)
    if #result.words == 0 then
      M.notify('No words fit here.')
      return
    end
    vim.ui.select(result.words, {
      prompt = 'Words that fit:',
      format_item = function(word)
        return ('%s  %.1f %%'):format(word.text, 100 * word.probability)
      end,
    }, function(word)
      if word then
        local edit = { range = result.range, newText = word.text }
        vim.lsp.util.apply_text_edits({ edit }, buffer, client.offset_encoding)
      end
    end)
  end)
end

--- Set up a buffer that the server is attached to.
function M.attach(client, buffer)
  require('fillmask.completion').attach(client, buffer)
  if M.option('ghost_text') then
    require('fillmask.ghost_text').attach(client, buffer)
  end
  local key = M.option('suggest')
  if key and vim.fn.maparg(key, 'i') == '' then
    vim.keymap.set('i', key, M.suggest, { buffer = buffer, desc = 'Suggest words with fillmask' })
  end
  if M.option('hints') and vim.lsp.inlay_hint then
    M.enable_hints(buffer)
  end
end

--- Show hints except in Insert mode, where they would be outdated while the user types.
function M.enable_hints(buffer)
  local function update(event)
    vim.lsp.inlay_hint.enable(event.event ~= 'InsertEnter', { bufnr = buffer })
  end
  local group = vim.api.nvim_create_augroup('fillmask.hints.' .. buffer, {})
  vim.api.nvim_create_autocmd({ 'InsertEnter', 'InsertLeave' }, { group = group, buffer = buffer, callback = update })
  vim.lsp.inlay_hint.enable(vim.api.nvim_get_mode().mode:sub(1, 1) ~= 'i', { bufnr = buffer })
end

--- For Neovim older than 0.11: attach the server to the current buffer, and start it if necessary.
function M.start()
  if vim.bo.buftype ~= '' then
    return
  end
  local config = dofile(vim.api.nvim_get_runtime_file('lsp/fillmask.lua', false)[1])
  config.name = 'fillmask'
  config.capabilities =
    vim.tbl_deep_extend('force', vim.lsp.protocol.make_client_capabilities(), config.capabilities)
  vim.lsp.start(config)
end

--- Return the client of the current buffer. Without one, notify the user.
--- @return table|nil client
function M.client()
  local clients = (vim.lsp.get_clients or vim.lsp.get_active_clients)({ name = 'fillmask', bufnr = 0 })
  if not clients[1] then
    M.notify('No server in this buffer. See :checkhealth vim.lsp', 2)
  end
  return clients[1]
end

--- Call `client:request` in any version of Neovim.
function M.request(client, ...)
  if vim.fn.has('nvim-0.11') == 1 then
    return client:request(...)
  end
  return client.request(...)
end

--- Execute a command of the server on the current document.
--- @param name string the command's name without the prefix `fillmask.`
--- @param opts table the argument of the user command's callback
--- @param arguments table
--- @param on_result? fun(result: table)
function M.execute(name, opts, arguments, on_result)
  local client = M.client()
  if not client then
    return
  end
  arguments.uri = vim.uri_from_bufnr(0)
  if opts.range and opts.range > 0 then
    arguments.range = {
      start = { line = opts.line1 - 1, character = 0 },
      ['end'] = { line = opts.line2, character = 0 },
    }
  end
  local params = { command = 'fillmask.' .. name, arguments = { arguments } }
  M.request(client, 'workspace/executeCommand', params, function(err, result)
    if err then
      M.notify(err.message, 2)
    elseif on_result then
      on_result(result)
    end
  end, vim.api.nvim_get_current_buf()) -- with 0, pending didChange notifications would be sent after the request
end

--- Show Markdown in a new window.
local function open_report(title, lines)
  vim.cmd('new')
  vim.bo.buftype, vim.bo.bufhidden, vim.bo.swapfile = 'nofile', 'wipe', false
  vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
  vim.bo.filetype, vim.bo.modifiable = 'markdown', false
  vim.wo.number, vim.wo.wrap = false, false
  pcall(vim.api.nvim_buf_set_name, 0, 'fillmask://' .. title)
end

--- Return a callback that notifies the user if the server edited nothing.
local function notify_if_unchanged(message)
  return function(result)
    if #result.words == 0 then
      M.notify(message)
    end
  end
end

function M.fill(opts)
  local client = M.client()
  if client then
    local position = vim.lsp.util.make_position_params(0, client.offset_encoding).position
    local word = opts.args ~= '' and opts.args or nil
    M.execute('fill', opts, { position = position, word = word })
  end
end

function M.fill_all(opts)
  M.execute('fillAll', opts, {}, notify_if_unchanged('Nothing to fill: the text contains no [MASK].'))
end

function M.mask(opts)
  local rate = tonumber(opts.args) or 0.15
  M.execute('maskRandomly', opts, { rate = rate }, notify_if_unchanged('Nothing to mask: the text contains no words.'))
end

function M.unmask(opts)
  local message = 'Nothing to restore: fillmask can restore only words that it masked itself.'
  M.execute('unmask', opts, {}, notify_if_unchanged(message))
end

function M.score(opts)
  M.execute('score', opts, {}, function(result)
    local lines = {
      ('Pseudo-log-likelihood %.2f, perplexity %.2f, by %s'):format(
        result.pseudoLogLikelihood,
        result.perplexity,
        result.model
      ),
      '',
      '| bits | word |',
      '| ---: | --- |',
    }
    for _, word in ipairs(result.words) do
      table.insert(lines, ('| %.1f | %s |'):format(word.surprisal, word.text:gsub('|', '\\|')))
    end
    open_report('score', lines)
  end)
end

function M.inspect(opts)
  M.execute('inspect', opts, { format = 'markdown' }, function(result)
    open_report('inspect', vim.split(result.content, '\n', { plain = true }))
  end)
end

function M.model(opts)
  M.execute('selectModel', opts, { model = opts.args }, M.notify_status)
end

function M.download(opts)
  M.execute('downloadModel', opts, { model = opts.args }, M.notify_status)
end

function M.status(opts)
  M.execute('status', opts, {}, M.notify_status)
end

function M.notify_status(result)
  local error_text = type(result.error) == 'string' and ('; ' .. result.error) or ''
  local model = result.model == 'embedded' and 'small built-in model' or result.model or 'no model'
  M.notify(('fillmask-ls %s: %s, %s%s'):format(result.version or '', result.state or '', model, error_text))
end

return M
