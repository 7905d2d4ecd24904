-- A job: batches of inputs that workers claim, settle and acknowledge.
--
-- KEYS[1] is a hash of what the job is and how far it has come, KEYS[2] a stream of the batches, each an entry with its
-- number and its inputs, KEYS[3] a hash of the outcomes by the batch's number, KEYS[4] a list of what was settled
-- lately, KEYS[5] a hash of the pairs of objects under way, each with the entries of their batches, KEYS[6] a
-- sorted set of the names of all jobs, by when they were begun. Whatever of them a
-- crash of Redis takes back, they are as they were at one moment before it.
--
-- On dated versions of HubSpot's API the labels of a pair are set at once, by who has read them before. So a batch is not
-- handed out while another worker's lease on a batch with one of its pairs holds, and a worker renews and settles only
-- what its lease holds on. All that is called exclusive here.
--
-- The first batch that is handed out binds the job to a server, a version of HubSpot's API and an account, so that no input
-- is sent elsewhere. As long as no worker is known to have sent anything ('unsent' is there), that is undone when all that
-- had a batch ('has:' and their names) have left and say that they sent nothing. Whoever is of others waits for that.
--
-- ARGV[1] is the action, ARGV[2] which job it is about: one that was removed and enqueued anew is another.
local meta, batches, outcomes, pace, held, names = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local action, id = ARGV[1], ARGV[2]
local GROUP = 'workers'
local PACES = 2000     -- batches that the list remembers
local MINUTE = 60000
local MOST_COMPARED = 8 -- batches whose pairs are compared for one claim
local MOST_WAITING = 100 -- batches that wait for others, before no more are looked at
local MANY = 1000      -- fields of a hash in one command
local PARKED = 86400000 -- how long nobody is said to have been at a batch that all may have
local SECOND = 1000    -- a clock that is set back by less is not noticed
local GONE, ANEW, LOST, FINISHED, NOTHING, BATCH = 'gone', 'anew', 'lost', 'finished', 'nothing', 'batch'
local LAPSED, OTHER, OLD = 'lapsed', 'other', 'old'
local READS = { status = true, read = true, set_aside = true, remove = true }

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function text(n) return string.format('%.0f', n) end
local function number(field) return tonumber(redis.call('HGET', meta, field) or 0) end
local function finished()
  return redis.call('HEXISTS', meta, 'complete') == 1 and number('settled_batches') == number('batches')
end

for i, kind in ipairs({ 'hash', 'stream', 'hash', 'list', 'hash', 'zset' }) do
  local found = redis.call('TYPE', KEYS[i]).ok
  if found ~= 'none' and found ~= kind then
    return redis.error_reply('WRONGTYPE the key ' .. KEYS[i] .. ' holds a ' .. found .. ' and not a ' .. kind)
  end
end

if action == 'names' then
  local reply = { 'known' }
  for _, name in ipairs(redis.call('ZRANGEBYSCORE', names, '-inf', '+inf')) do reply[#reply + 1] = name end
  return reply
end

-- operation, input, total, account (or ''), format, whether labels may go ('1' or '') and the job's name
if action == 'begin' then
  if redis.call('EXISTS', meta) == 0 then
    redis.call('DEL', batches, outcomes, pace, held)
    redis.call('XGROUP', 'CREATE', batches, GROUP, '0', 'MKSTREAM')
    -- Workers need IDLE, which Redis has from version 6.2 on. Where a user may not run HELLO, the version is not known.
    local probe = redis.pcall('XPENDING', batches, GROUP, 'IDLE', 0, '-', '+', 1)
    if probe.err then
      redis.call('DEL', batches)
      return string.find(probe.err, 'syntax error', 1, true) and { OLD } or probe
    end
    redis.call('HSET', meta, 'id', id, 'operation', ARGV[3], 'input', ARGV[4], 'total', ARGV[5],
      'batches', 0, 'inputs', 0, 'format', ARGV[7], 'including_labels', ARGV[8])
    if ARGV[6] ~= '' then redis.call('HSET', meta, 'account', ARGV[6]) end
  end
  -- In microseconds: two may be begun in the same millisecond.
  redis.call('ZADD', names, 'NX', text(time[1] * 1000000 + time[2]), ARGV[9])
  local begun = redis.call('HMGET', meta, 'id', 'operation', 'input', 'batches', 'inputs', 'account', 'including_labels',
    'format')
  for i = 6, 8 do begun[i] = begun[i] or '' end
  return begun
end

-- Of a job that Redis has lost, the name and other keys may be left.
if action == 'remove' and redis.call('EXISTS', meta) == 0 then
  local left = redis.call('DEL', batches, outcomes, pace, held) + redis.call('ZREM', names, ARGV[3])
  return { (left > 0 or id ~= '') and 'known' or GONE }
end

local current = redis.call('HGET', meta, 'id')
if current ~= id and action ~= 'status' then
  -- It was removed before, and the reply may have been lost.
  return { action == 'remove' and id ~= '' and 'known' or current and ANEW or GONE }
end
-- The batches are there from the beginning on, with their group. If not, Redis has lost them, and nothing can go on.
if not READS[action] and redis.call('EXISTS', batches) == 0 then return { LOST } end

-- A clock that was set back would have the leases of workers that were killed last until it has caught up, and Redis says
-- of them that nobody has been silent at all. They begin anew.
local function set_back()
  local from = '-'
  while from do
    local pending = redis.call('XPENDING', batches, GROUP, from, '+', MANY)
    for _, entry in ipairs(pending) do
      if entry[3] == 0 then redis.call('XCLAIM', batches, GROUP, entry[2], 0, entry[1], 'IDLE', 0, 'JUSTID') end
    end
    from = #pending == MANY and '(' .. pending[MANY][1]
  end
  for _, field in ipairs(redis.call('HKEYS', meta)) do
    local is_time = field == 'started' or string.match(field, '^seen:')
    if is_time and number(field) > now then redis.call('HSET', meta, field, text(now)) end
  end
  redis.call('DEL', pace)
end

local function seen(worker)
  if number('clock') > now + SECOND then set_back() end
  redis.call('HSET', meta, 'seen:' .. worker, text(now), 'clock', text(now))
end

-- Whose the entry is now, if it waits to be acknowledged, and for how many milliseconds nobody was heard of.
local function owner(entry)
  local pending = redis.call('XPENDING', batches, GROUP, entry, entry, 1)[1]
  if pending then return pending[2], tonumber(pending[3]) end
end

-- Nobody has been at a worker's entry for so many milliseconds, and its leases until now are not counted: its worker goes
-- on. Redis counts how often it was delivered, which is how often it was leased.
local function unleased(worker, entry, idle)
  redis.call('XCLAIM', batches, GROUP, worker, 0, entry, 'IDLE', idle, 'RETRYCOUNT', 0, 'JUSTID')
end

-- The pairs of objects of a batch: the partner client's id and the other's.
local function pairs_of(inputs)
  local known, list, read = {}, {}, { pcall(cjson.decode, inputs) }
  for _, input in ipairs(read[1] and read[2] or {}) do
    -- One that cannot be sent is an object.
    local pair = input[1] and input[1] .. ' ' .. input[3]
    if pair and not known[pair] then
      known[pair] = true
      list[#list + 1] = pair
    end
  end
  return list
end

-- Has what is kept of each of these pairs replaced by what `change` makes of it: the entries of the batches under way.
local function each(list, change)
  for first = 1, #list, MANY do
    local last = math.min(first + MANY - 1, #list)
    local kept, gone, set = redis.call('HMGET', held, unpack(list, first, last)), {}, {}
    for i = first, last do
      local was = kept[i - first + 1] or ''
      local is = change(was)
      if is == '' and was ~= '' then
        gone[#gone + 1] = list[i]
      elseif is ~= was then
        set[#set + 1] = list[i]
        set[#set + 1] = is
      end
    end
    if #gone > 0 then redis.call('HDEL', held, unpack(gone)) end
    if #set > 0 then redis.call('HSET', held, unpack(set)) end
  end
end

-- The entries of a list of them that pass.
local function those(entries, pass)
  local kept = {}
  for entry in string.gmatch(entries, '[^ ]+') do
    if pass(entry) then kept[#kept + 1] = entry end
  end
  return table.concat(kept, ' ')
end

-- The server, the account and the version that the job is bound to.
local function binding()
  local bound = redis.call('HMGET', meta, 'server', 'account', 'version')
  for i = 1, 3 do bound[i] = bound[i] or '' end
  return bound
end

-- Binds it unless it is bound. `unsent` becomes the account if that is bound with it.
local function bind(server, account, version)
  if redis.call('HSETNX', meta, 'server', server) == 0 then return end
  redis.call('HSET', meta, 'version', version)
  local is_new = account ~= '' and redis.call('HSETNX', meta, 'account', account) == 1
  redis.call('HSET', meta, 'unsent', is_new and account or '')
end

-- The workers that had a batch while it was not known that anything was sent.
local function having()
  local workers = {}
  for _, field in ipairs(redis.call('HKEYS', meta)) do workers[#workers + 1] = string.match(field, '^has:(.*)') end
  return workers
end

-- Something was sent.
local function bind_for_good()
  if redis.call('HDEL', meta, 'unsent') == 0 then return end
  for _, worker in ipairs(having()) do redis.call('HDEL', meta, 'has:' .. worker) end
end

-- Whether what the job is bound to may still change: none that was killed may have sent anything.
local function may_change(lease)
  if redis.call('HEXISTS', meta, 'unsent') == 0 then return false end
  for _, worker in ipairs(having()) do
    if number('seen:' .. worker) <= now - lease then return false end
  end
  return true
end

-- server, account (or ''), version of HubSpot's API, of a worker that has sent something, or that asks ('1' or ''), lease in
-- milliseconds
if action == 'bind' then
  local bound = binding()
  if ARGV[6] == '1' then
    bind(ARGV[3], ARGV[4], ARGV[5])
    bound = binding()
    if bound[1] == ARGV[3] then bind_for_good() end
  elseif may_change(tonumber(ARGV[7])) then
    if redis.call('HGET', meta, 'unsent') ~= '' then bound[2] = '' end
    bound[1], bound[3] = '', ''
  end
  return { 'known', bound[1], bound[2], bound[3] }

-- number, how many inputs, inputs
elseif action == 'add' then
  local known = number('batches')
  if known == tonumber(ARGV[3]) then
    redis.call('XADD', batches, '*', 'number', ARGV[3], 'inputs', ARGV[5])
    redis.call('HINCRBY', meta, 'batches', 1)
    redis.call('HINCRBY', meta, 'inputs', ARGV[4])
    known = known + 1
  end
  return { 'known', text(known) }

elseif action == 'complete' then
  redis.call('HSET', meta, 'complete', 1, 'total', number('inputs'))
  -- Workers may have been faster.
  if finished() then redis.call('HSETNX', meta, 'ended', text(now)) end
  return { 'known' }

-- worker, lease in milliseconds, server, account (or ''), version of HubSpot's API, whether it is exclusive ('1' or ''), how
-- many leases without a report a batch may have had that it takes (or '' for any number), and the entries that it knows to
-- be its own
elseif action == 'claim' then
  local worker, lease, server, account, version = ARGV[3], tonumber(ARGV[4]), ARGV[5], ARGV[6], ARGV[7]
  local exclusive, most = ARGV[8] == '1', tonumber(ARGV[9]) or math.huge
  seen(worker)
  local bound = binding()
  local is_elsewhere = bound[1] ~= '' and (bound[1] ~= server or bound[3] ~= version)
  -- Of a job that is not bound yet, the account may still be given.
  if is_elsewhere or bound[2] ~= account and (bound[1] ~= '' or bound[2] ~= '') then
    return { may_change(lease) and NOTHING or OTHER }
  end
  local function handed_out(batch)
    bind(server, account, version)
    if redis.call('HEXISTS', meta, 'unsent') == 1 then redis.call('HSET', meta, 'has:' .. worker, '') end
    return batch
  end
  local function open(entry, leases)
    if redis.call('HEXISTS', outcomes, entry[2][2]) == 0 then
      redis.call('HSETNX', meta, 'started', text(now))
      return { BATCH, entry[1], entry[2][2], entry[2][4], text(number('tried:' .. entry[2][2])), text(leases) }
    end
    -- Redis had lost the entry while a worker had its inputs, and it was added again.
    redis.call('XACK', batches, GROUP, entry[1])
  end
  local function next_entry()
    local reply = redis.call('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', 1, 'STREAMS', batches, '>')
    return reply and reply[1][2][1]
  end

  -- Whose lease on an entry holds.
  local holders = {}
  local function holder(entry)
    if holders[entry] == nil then
      local by, idle = owner(entry)
      holders[entry] = by and idle < lease and by or false
    end
    return holders[entry]
  end
  -- Takes the pairs of an entry, unless another worker has one of them.
  local compared = 0
  local function take(entry)
    if not exclusive then return true end
    local waits, list, blocker = 'waits:' .. entry[1], pairs_of(entry[2][4]), nil
    compared = compared + 1
    local function is_elsewhere(other)
      local by = holder(other)
      return by and by ~= worker
    end
    each(list, function(entries)
      those(entries, function(other) if is_elsewhere(other) then blocker = other end end)
      return entries
    end)
    if blocker then
      -- While that one is under way there is no need to compare them again.
      redis.call('HSET', meta, waits, blocker)
      return false
    end
    redis.call('HDEL', meta, waits)
    each(list, function(entries)
      local others = those(entries, function(other) return other ~= entry[1] and holder(other) end)
      return others == '' and entry[1] or others .. ' ' .. entry[1]
    end)
    return true
  end
  -- Whether it is known to wait for another worker.
  local function waits(entry)
    local blocker = exclusive and redis.call('HGET', meta, 'waits:' .. entry)
    local by = blocker and holder(blocker)
    return by and by ~= worker
  end
  -- One that was leased to it in a reply that was lost. What it has left to others had a report, and counts no lease.
  local known = {}
  for i = 10, #ARGV do known[ARGV[i]] = true end
  for _, pending in ipairs(redis.call('XPENDING', batches, GROUP, '-', '+', MANY, worker)) do
    local entry = not known[pending[1]] and pending[4] > 0 and redis.call('XRANGE', batches, pending[1], pending[1])[1]
    local batch = entry and open(entry, pending[4] - 1)
    if batch and take(entry) then
      redis.call('XCLAIM', batches, GROUP, worker, 0, entry[1], 'JUSTID')
      return handed_out(batch)
    end
  end
  local waiting = redis.call('XPENDING', batches, GROUP, 'IDLE', lease, '-', '+', MOST_WAITING)
  for _, pending in ipairs(waiting) do
    if compared == MOST_COMPARED then break end
    local leases = pending[4]
    if leases <= most and not waits(pending[1]) then
      local entry = redis.call('XRANGE', batches, pending[1], pending[1])[1]
      if not entry then
        redis.call('XACK', batches, GROUP, pending[1])
      else
        local batch = open(entry, leases)
        if batch and take(entry) then
          redis.call('XCLAIM', batches, GROUP, worker, 0, entry[1], 'RETRYCOUNT', leases + 1, 'JUSTID')
          return handed_out(batch)
        end
      end
    end
  end
  local entry = (not exclusive or #waiting < MOST_WAITING and compared < MOST_COMPARED) and next_entry()
  while entry do
    local batch = open(entry, 0)
    if batch then
      if take(entry) then return handed_out(batch) end
      unleased(worker, entry[1], PARKED)
    end
    entry = compared < MOST_COMPARED and next_entry()
  end
  return { finished() and FINISHED or NOTHING }

-- worker, lease in milliseconds, whether it is exclusive ('1' or ''), entries
elseif action == 'renew' or action == 'release' then
  local worker, lease, exclusive = ARGV[3], tonumber(ARGV[4]), ARGV[5] == '1'
  seen(worker)
  for i = 6, #ARGV do
    local by, idle = owner(ARGV[i])
    -- The pairs may be another's already where the batch is not.
    if exclusive and action == 'renew' and (by ~= worker or idle >= lease) then return { LAPSED } end
    if by == worker then
      if action == 'renew' then
        redis.call('XCLAIM', batches, GROUP, worker, 0, ARGV[i], 'JUSTID')
      else
        unleased(worker, ARGV[i], PARKED)
      end
    end
  end
  return { 'known' }

-- worker, lease in milliseconds, whether it may have sent something ('1' or ''); its batches that are open stay for the
-- others
elseif action == 'leave' then
  redis.call('HSET', meta, 'seen:' .. ARGV[3], 0)
  if redis.call('HEXISTS', meta, 'has:' .. ARGV[3]) == 1 then
    if ARGV[5] == '1' then
      bind_for_good()
    else
      redis.call('HDEL', meta, 'has:' .. ARGV[3])
      if #having() == 0 then
        if redis.call('HGET', meta, 'unsent') ~= '' then redis.call('HDEL', meta, 'account') end
        redis.call('HDEL', meta, 'server', 'version', 'unsent')
      end
    end
  end
  for _, pending in ipairs(redis.call('XPENDING', batches, GROUP, '-', '+', MANY, ARGV[3])) do
    unleased(ARGV[3], pending[1], pending[3])
  end
  -- So do those of workers that were killed, who cannot leave by themselves.
  for _, field in ipairs(redis.call('HKEYS', meta)) do
    local worker = string.match(field, '^seen:(.*)')
    if worker and number(field) <= now - ARGV[4]
      and #redis.call('XPENDING', batches, GROUP, '-', '+', 1, worker) == 0 then
      redis.call('XGROUP', 'DELCONSUMER', batches, GROUP, worker)
      redis.call('HDEL', meta, field)
    end
  end
  return { 'known' }

-- number, how often, worker, entry
elseif action == 'tried' then
  local field = 'tried:' .. ARGV[3]
  if number(field) < tonumber(ARGV[4]) then redis.call('HSET', meta, field, ARGV[4]) end
  local by, idle = owner(ARGV[6])
  if by == ARGV[5] then unleased(by, ARGV[6], idle) end
  return { 'known' }

-- entry, number, outcomes, succeeded, failed, requests, retries, worker, whether it is exclusive ('1' or ''), and the error
-- for which the batch is set aside (or '')
elseif action == 'settle' then
  local worker, exclusive = ARGV[10], ARGV[11] == '1'
  if exclusive and redis.call('HEXISTS', outcomes, ARGV[4]) == 0 and owner(ARGV[3]) ~= worker then return { LAPSED } end
  -- A worker that had no reply settles it again.
  if redis.call('HSETNX', outcomes, ARGV[4], ARGV[5]) == 1 then
    redis.call('HINCRBY', meta, 'requests', ARGV[8])
    redis.call('HINCRBY', meta, 'retries', ARGV[9])
    redis.call('HINCRBY', meta, 'settled_batches', 1)
    redis.call('HINCRBY', meta, 'succeeded', ARGV[6])
    redis.call('HINCRBY', meta, 'failed', ARGV[7])
    redis.call('HDEL', meta, 'tried:' .. ARGV[4])
    if ARGV[12] ~= '' then
      redis.call('HSET', meta, 'aside:' .. ARGV[4], table.concat({ ARGV[3], ARGV[6], ARGV[7], ARGV[12] }, ' '))
      redis.call('HINCRBY', meta, 'set_aside', 1)
    end
    redis.call('LPUSH', pace, text(now) .. ' ' .. (ARGV[6] + ARGV[7]))
    redis.call('LTRIM', pace, 0, PACES - 1)
    if finished() then redis.call('HSET', meta, 'ended', text(now)) end
  end
  redis.call('XACK', batches, GROUP, ARGV[3])
  local entry = exclusive and redis.call('XRANGE', batches, ARGV[3], ARGV[3])[1]
  if entry then
    each(pairs_of(entry[2][4]), function(entries)
      return those(entries, function(other) return other ~= entry[1] end)
    end)
  end
  return { 'known' }

-- The batches that were set aside: of each its number, how many of its inputs were carried out and failed, and the error.
elseif action == 'set_aside' then
  local reply = { 'known' }
  for _, field in ipairs(redis.call('HKEYS', meta)) do
    local number = string.match(field, '^aside:(.*)')
    if number then
      local succeeded, failed, err = string.match(redis.call('HGET', meta, field), '^[^ ]+ (%d+) (%d+) (.*)$')
      for _, value in ipairs({ number, succeeded, failed, err }) do reply[#reply + 1] = value end
    end
  end
  return reply

-- a word for the call, which repeats it where its reply was lost: has the batches that were set aside tried again, as if
-- they had never been.
elseif action == 'retry' then
  local word, before = string.match(redis.call('HGET', meta, 'retried') or '', '^(.*) (%d+)$')
  if word == ARGV[3] then return { 'known', before } end
  local again = 0
  for _, field in ipairs(redis.call('HKEYS', meta)) do
    local batch = string.match(field, '^aside:(.*)')
    if batch then
      local entry, succeeded, failed = string.match(redis.call('HGET', meta, field), '^([^ ]+) (%d+) (%d+) ')
      -- It is acknowledged, so it has to be made pending by force.
      redis.call('XCLAIM', batches, GROUP, 'retry', 0, entry, 'IDLE', PARKED, 'RETRYCOUNT', 0, 'FORCE', 'JUSTID')
      redis.call('HDEL', meta, field, 'ended')
      redis.call('HDEL', outcomes, batch)
      redis.call('HINCRBY', meta, 'settled_batches', -1)
      redis.call('HINCRBY', meta, 'succeeded', text(0 - succeeded))
      redis.call('HINCRBY', meta, 'failed', text(0 - failed))
      redis.call('HINCRBY', meta, 'set_aside', -1)
      again = again + 1
    end
  end
  if again > 0 then redis.call('HSET', meta, 'retried', ARGV[3] .. ' ' .. text(again)) end
  return { 'known', text(again) }

-- lease in milliseconds
elseif action == 'status' then
  local fields = { 'id', 'operation', 'input', 'total', 'complete', 'batches', 'inputs', 'settled_batches', 'succeeded',
    'failed', 'requests', 'retries', 'started', 'ended', 'server', 'account', 'version', 'set_aside', 'including_labels',
    'format' }
  local known = redis.call('HMGET', meta, unpack(fields))
  if not known[1] then return { GONE } end
  local workers = 0
  for _, field in ipairs(redis.call('HKEYS', meta)) do
    if string.sub(field, 1, 5) == 'seen:' and number(field) > now - ARGV[3] then workers = workers + 1 end
  end
  local started, ended = tonumber(known[13] or now), tonumber(known[14])
  local settled, since = 0, math.max(started, now - MINUTE)
  if ended then
    settled, since, now = number('succeeded') + number('failed'), started, ended
  else
    local latest = redis.call('LRANGE', pace, 0, -1)
    for i, entry in ipairs(latest) do
      local at, count = string.match(entry, '(%d+) (%d+)')
      at = tonumber(at)
      if at < now - MINUTE then break end
      if i == PACES then since = at else settled = settled + count end
    end
  end
  local reply = { 'known', workers, settled, math.max(now - since, 1) }
  for i = 1, #fields do reply[#reply + 1] = known[i] or '' end
  return reply

-- the entry before, or '-' for the first
elseif action == 'read' then
  local from = ARGV[3] == '-' and '-' or '(' .. ARGV[3]
  local reply = { 'known' }
  local entry = redis.call('XRANGE', batches, from, '+', 'COUNT', 1)[1]
  if entry then
    reply = { 'known', entry[1], entry[2][2], entry[2][4], redis.call('HGET', outcomes, entry[2][2]) or '' }
  end
  return reply

elseif action == 'remove' then
  redis.call('DEL', meta, batches, outcomes, pace, held)
  redis.call('ZREM', names, ARGV[3])
  return { 'known' }
end
