--- What Neovim does with fillmask-ls. Every function named in plugin/fillmask.lua is a user command.
local M = {}

local defaults = { autotrigger = true, ghost_text = true, hints = true, accept = '<C-l>' }

--- @param name string one of `defaults`, to be changed in `vim.g.fillmask`
function M.option(name)
  local chosen = (vim.g.fillmask or {})[name]
  if chosen == nil then
    return defaults[name]
  end
  return chosen
end

--- Called for each buffer that the server is attached to.
function M.attach(client, buffer)
  require('fillmask.completion').attach(client, buffer)
  if M.option('ghost_text') then
    require('fillmask.ghost_text').attach(client, buffer)
  end
  if M.option('hints') and vim.lsp.inlay_hint then
    M.show_hints(buffer)
  end
end

--- Hints are shown in Normal mode: behind a word that is being typed they would be about the mask as it was.
function M.show_hints(buffer)
  local function show(event)
    vim.lsp.inlay_hint.enable(event.event ~= 'InsertEnter', { bufnr = buffer })
  end
  local group = vim.api.nvim_create_augroup('fillmask.hints.' .. buffer, {})
  vim.api.nvim_create_autocmd({ 'InsertEnter', 'InsertLeave' }, { group = group, buffer = buffer, callback = show })
  vim.lsp.inlay_hint.enable(vim.api.nvim_get_mode().mode:sub(1, 1) ~= 'i', { bufnr = buffer })
end

--- For Neovim older than 0.11: starts the server for the current buffer, or attaches the one that runs.
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

--- @return table|nil client the one of the current buffer; without one the user is told
function M.client()
  local clients = (vim.lsp.get_clients or vim.lsp.get_active_clients)({ name = 'fillmask', bufnr = 0 })
  if not clients[1] then
    vim.notify('fillmask: no server in this buffer; see :checkhealth vim.lsp', vim.log.levels.WARN)
  end
  return clients[1]
end

--- `client:request`, in any Neovim.
function M.request(client, ...)
  if vim.fn.has('nvim-0.11') == 1 then
    return client:request(...)
  end
  return client.request(...)
end

--- Executes a command of the server about the current document.
--- @param given table what a user command is called with
--- @param done? fun(answer: table)
local function execute(name, given, arguments, done)
  local client = M.client()
  if not client then
    return
  end
  arguments.uri = vim.uri_from_bufnr(0)
  if given.range and given.range > 0 then
    arguments.range = {
      start = { line = given.line1 - 1, character = 0 },
      ['end'] = { line = given.line2, character = 0 },
    }
  end
  local params = { command = 'fillmask.' .. name, arguments = { arguments } }
  M.request(client, 'workspace/executeCommand', params, function(problem, answer)
    if problem then
      vim.notify('fillmask: ' .. problem.message, vim.log.levels.WARN)
    elseif done then
      done(answer)
    end
  end, vim.api.nvim_get_current_buf()) -- at 0, edits that wait to be told would be told too late
end

--- Shows Markdown in a window of its own.
local function report(title, lines)
  vim.cmd('new')
  vim.bo.buftype, vim.bo.bufhidden, vim.bo.swapfile = 'nofile', 'wipe', false
  vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
  vim.bo.filetype, vim.bo.modifiable = 'markdown', false
  vim.wo.number, vim.wo.wrap = false, false
  pcall(vim.api.nvim_buf_set_name, 0, 'fillmask://' .. title)
end

--- Says it, where the server changed nothing.
local function none(message)
  return function(answer)
    if #answer.words == 0 then
      vim.notify('fillmask: ' .. message)
    end
  end
end

function M.fill(given)
  local client = M.client()
  if client then
    local position = vim.lsp.util.make_position_params(0, client.offset_encoding).position
    local word = given.args ~= '' and given.args or nil
    execute('fill', given, { position = position, word = word })
  end
end

function M.fill_all(given)
  execute('fillAll', given, {}, none('there is no [MASK] to fill'))
end

function M.mask(given)
  execute('maskRandomly', given, { rate = tonumber(given.args) or 0.15 }, none('no word was chosen; try again'))
end

function M.unmask(given)
  execute('unmask', given, {}, none('no mask hides a word that is known'))
end

function M.score(given)
  execute('score', given, {}, function(answer)
    local lines = {
      ('Pseudo-log-likelihood %.2f, perplexity %.2f, by %s'):format(
        answer.pseudoLogLikelihood,
        answer.perplexity,
        answer.model
      ),
      '',
      '| bits | word |',
      '| ---: | --- |',
    }
    for _, word in ipairs(answer.words) do
      table.insert(lines, ('| %.1f | %s |'):format(word.surprisal, word.text:gsub('|', '\\|')))
    end
    report('score', lines)
  end)
end

function M.inspect(given)
  execute('inspect', given, { format = 'markdown' }, function(answer)
    report('inspect', vim.split(answer.content, '\n', { plain = true }))
  end)
end

function M.model(given)
  execute('selectModel', given, { model = given.args }, M.say_status)
end

function M.download(given)
  execute('downloadModel', given, { model = given.args }, M.say_status)
end

function M.status(given)
  execute('status', given, {}, M.say_status)
end

function M.say_status(answer)
  local known = type(answer.error) == 'string' and ('; ' .. answer.error) or ''
  vim.notify(('fillmask-ls %s: %s, %s%s'):format(answer.version or '', answer.state or '', answer.model or '', known))
end

return M
