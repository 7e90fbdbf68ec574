--- The Neovim client of fillmask-ls. plugin/fillmask.lua defines the user commands, which call functions of this module.
local M = {}

local defaults = { autotrigger = true, ghost_text = true, hints = true, accept = '<C-l>' }

--- Return an option: the user's value in `vim.g.fillmask`, or the default.
--- @param name string a key of `defaults`
function M.option(name)
  local value = (vim.g.fillmask or {})[name]
  if value == nil then
    return defaults[name]
  end
  return value
end

--- Set up a buffer that the server is attached to.
function M.attach(client, buffer)
  require('fillmask.completion').attach(client, buffer)
  if M.option('ghost_text') then
    require('fillmask.ghost_text').attach(client, buffer)
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
    vim.notify('fillmask: No server is attached to this buffer. See :checkhealth vim.lsp', vim.log.levels.WARN)
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
local function execute(name, opts, arguments, on_result)
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
      vim.notify('fillmask: ' .. err.message, vim.log.levels.WARN)
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
      vim.notify('fillmask: ' .. message)
    end
  end
end

function M.fill(opts)
  local client = M.client()
  if client then
    local position = vim.lsp.util.make_position_params(0, client.offset_encoding).position
    local word = opts.args ~= '' and opts.args or nil
    execute('fill', opts, { position = position, word = word })
  end
end

function M.fill_all(opts)
  execute('fillAll', opts, {}, notify_if_unchanged('Nothing to fill: the text contains no [MASK].'))
end

function M.mask(opts)
  local rate = tonumber(opts.args) or 0.15
  execute('maskRandomly', opts, { rate = rate }, notify_if_unchanged('The random choice masked no word. Try again, or use a higher rate.'))
end

function M.unmask(opts)
  local message = 'Nothing to restore: fillmask can restore only words that it masked itself.'
  execute('unmask', opts, {}, notify_if_unchanged(message))
end

function M.score(opts)
  execute('score', opts, {}, function(result)
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
  execute('inspect', opts, { format = 'markdown' }, function(result)
    open_report('inspect', vim.split(result.content, '\n', { plain = true }))
  end)
end

function M.model(opts)
  execute('selectModel', opts, { model = opts.args }, M.notify_status)
end

function M.download(opts)
  execute('downloadModel', opts, { model = opts.args }, M.notify_status)
end

function M.status(opts)
  execute('status', opts, {}, M.notify_status)
end

function M.notify_status(result)
  local error_text = type(result.error) == 'string' and ('; ' .. result.error) or ''
  vim.notify(('fillmask-ls %s: %s, %s%s'):format(result.version or '', result.state or '', result.model or '', error_text))
end

return M
