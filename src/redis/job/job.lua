-- A job: batches of inputs that workers claim, settle and acknowledge.
--
-- KEYS[1] is a hash of what the job is and how far it has come, KEYS[2] a stream of the batches, each an entry with its
-- number and its inputs, KEYS[3] a hash of the outcomes by the batch's number, KEYS[4] a list of what was settled
-- lately. Whatever of them a crash of Redis takes back, they are as they were at one moment before it.
--
-- ARGV[1] is the action, ARGV[2] which job it is about: one that was removed and enqueued anew is another.
local meta, batches, outcomes, pace = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local action, id = ARGV[1], ARGV[2]
local GROUP = 'workers'
local PACES = 2000     -- batches that the list remembers
local MINUTE = 60000
local GONE, LOST, FINISHED, NOTHING, BATCH = 'gone', 'lost', 'finished', 'nothing', 'batch'

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function text(n) return string.format('%.0f', n) end
local function number(field) return tonumber(redis.call('HGET', meta, field) or 0) end
local function finished()
  return redis.call('HEXISTS', meta, 'complete') == 1 and number('settled_batches') == number('batches')
end

for i, kind in ipairs({ 'hash', 'stream', 'hash', 'list' }) do
  local found = redis.call('TYPE', KEYS[i]).ok
  if found ~= 'none' and found ~= kind then
    return redis.error_reply('WRONGTYPE the key ' .. KEYS[i] .. ' holds a ' .. found .. ' and not a ' .. kind)
  end
end

-- operation, input, total, account (or '') and format
if action == 'begin' then
  if redis.call('EXISTS', meta) == 0 then
    redis.call('DEL', batches, outcomes, pace)
    redis.call('XGROUP', 'CREATE', batches, GROUP, '0', 'MKSTREAM')
    local claim = redis.pcall('XAUTOCLAIM', batches, GROUP, id, 0, '0-0')
    if claim.err then
      redis.call('DEL', batches)
      return redis.error_reply('ERR workers need XAUTOCLAIM, which Redis 6.2 or later has: ' .. claim.err)
    end
    redis.call('XGROUP', 'DELCONSUMER', batches, GROUP, id)
    redis.call('HSET', meta, 'id', id, 'operation', ARGV[3], 'input', ARGV[4], 'total', ARGV[5],
      'batches', 0, 'inputs', 0, 'format', ARGV[7])
    if ARGV[6] ~= '' then redis.call('HSET', meta, 'account', ARGV[6]) end
  end
  local begun = redis.call('HMGET', meta, 'id', 'operation', 'input', 'batches', 'inputs', 'account', 'format')
  for i = 6, 7 do begun[i] = begun[i] or '' end
  return begun
end

if redis.call('HGET', meta, 'id') ~= id and action ~= 'status' then return { GONE } end
-- It is there from the beginning on, with its group, without which nobody can claim.
if (action == 'add' or action == 'claim') and redis.call('EXISTS', batches) == 0 then return { LOST } end

local function seen(worker) redis.call('HSET', meta, 'seen:' .. worker, text(now)) end

-- Whose the entry is now, if it waits to be acknowledged.
local function owner(entry)
  local pending = redis.call('XPENDING', batches, GROUP, entry, entry, 1)[1]
  return pending and pending[2]
end

-- server (or '', to look), account (or ''), version of HubSpot's API: those of the first outcomes, unless the account was
-- known before
if action == 'bind' then
  if ARGV[3] ~= '' and redis.call('HSETNX', meta, 'server', ARGV[3]) == 1 then
    redis.call('HSET', meta, 'version', ARGV[5])
    if ARGV[4] ~= '' then redis.call('HSETNX', meta, 'account', ARGV[4]) end
  end
  local bound = redis.call('HMGET', meta, 'server', 'account', 'version')
  return { 'known', bound[1] or '', bound[2] or '', bound[3] or '' }

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

-- worker, lease in milliseconds
elseif action == 'claim' then
  local worker, lease = ARGV[3], ARGV[4]
  seen(worker)
  local function open(entry)
    if redis.call('HEXISTS', outcomes, entry[2][2]) == 0 then
      redis.call('HSETNX', meta, 'started', text(now))
      return { BATCH, entry[1], entry[2][2], entry[2][4], text(number('tried:' .. entry[2][2])) }
    end
    -- Redis had lost the entry while a worker had its inputs, and it was added again.
    redis.call('XACK', batches, GROUP, entry[1])
  end
  local cursor, entry = '0-0', nil
  repeat
    local reply = redis.call('XAUTOCLAIM', batches, GROUP, worker, lease, cursor, 'COUNT', 1)
    cursor, entry = reply[1], reply[2][1]
    local batch = entry and open(entry)
    if batch then return batch end
  until cursor == '0-0' and not entry
  while true do
    local reply = redis.call('XREADGROUP', 'GROUP', GROUP, worker, 'COUNT', 1, 'STREAMS', batches, '>')
    if not reply then break end
    local batch = open(reply[1][2][1])
    if batch then return batch end
  end
  return { finished() and FINISHED or NOTHING }

-- worker, entries
elseif action == 'renew' or action == 'release' then
  local worker = ARGV[3]
  seen(worker)
  for i = 4, #ARGV do
    if owner(ARGV[i]) == worker then
      if action == 'renew' then
        redis.call('XCLAIM', batches, GROUP, worker, 0, ARGV[i], 'JUSTID')
      else
        redis.call('XCLAIM', batches, GROUP, worker, 0, ARGV[i], 'IDLE', 86400000, 'JUSTID')
      end
    end
  end
  return { 'known' }

-- worker, lease in milliseconds; its batches that are open stay for the others
elseif action == 'leave' then
  redis.call('HSET', meta, 'seen:' .. ARGV[3], 0)
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

-- number, how often
elseif action == 'tried' then
  local field = 'tried:' .. ARGV[3]
  if number(field) < tonumber(ARGV[4]) then redis.call('HSET', meta, field, ARGV[4]) end
  return { 'known' }

-- entry, number, outcomes, succeeded, failed, requests, retries
elseif action == 'settle' then
  -- A worker that had no answer settles it again.
  if redis.call('HSETNX', outcomes, ARGV[4], ARGV[5]) == 1 then
    redis.call('HINCRBY', meta, 'requests', ARGV[8])
    redis.call('HINCRBY', meta, 'retries', ARGV[9])
    redis.call('HINCRBY', meta, 'settled_batches', 1)
    redis.call('HINCRBY', meta, 'succeeded', ARGV[6])
    redis.call('HINCRBY', meta, 'failed', ARGV[7])
    redis.call('HDEL', meta, 'tried:' .. ARGV[4])
    redis.call('LPUSH', pace, text(now) .. ' ' .. (ARGV[6] + ARGV[7]))
    redis.call('LTRIM', pace, 0, PACES - 1)
    if finished() then redis.call('HSET', meta, 'ended', text(now)) end
  end
  redis.call('XACK', batches, GROUP, ARGV[3])
  return { 'known' }

-- lease in milliseconds
elseif action == 'status' then
  local fields = { 'id', 'operation', 'input', 'total', 'complete', 'batches', 'inputs', 'settled_batches', 'succeeded',
    'failed', 'requests', 'retries', 'started', 'ended', 'server', 'account', 'version', 'format' }
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
  local answer = { 'known', workers, settled, math.max(now - since, 1) }
  for i = 1, #fields do answer[#answer + 1] = known[i] or '' end
  return answer

-- the entry before, or '-' for the first
elseif action == 'read' then
  local from = ARGV[3] == '-' and '-' or '(' .. ARGV[3]
  local answer = { 'known' }
  local entry = redis.call('XRANGE', batches, from, '+', 'COUNT', 1)[1]
  if entry then
    answer = { 'known', entry[1], entry[2][2], entry[2][4], redis.call('HGET', outcomes, entry[2][2]) or '' }
  end
  return answer

elseif action == 'remove' then
  redis.call('DEL', meta, batches, outcomes, pace)
  return { 'known' }
end
