-- One rate limit of one account, for many processes: counts requests that have ended, then grants permits for new ones.
--
-- KEYS[1] is a sorted set. Its members `process:id` are requests, scored by the latest moment at which HubSpot can have
-- counted them, in microseconds of Redis's clock; the member of score 0 packs what has been learnt. The rules are those
-- of rolling_window.rs.
local key, process, first, wanted = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local lease = tonumber(ARGV[10]) -- how late a process may come back without losing its place
local REPORTS = 11   -- index of the first report in ARGV
local SLACK = 1000000
local MAX_PAUSE = 60000000
local PAUSE = 5000   -- places that fall free within it are taken together
local EXPIRY = 7200000 -- milliseconds; more than the longest interval there is, which is an hour

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function text(n) return string.format('%.0f', n) end
local function given(i) local n = tonumber(ARGV[i]); if n >= 0 then return n end end
local function permit(i) return process .. ':' .. text(first + i) end
local function counted_after(t) return redis.call('ZCOUNT', key, '(' .. text(t), '+inf') end

local packed = redis.call('ZRANGEBYSCORE', key, 0, 0)[1]
local s = packed and cmsgpack.unpack(packed) or { queue = {}, others = 0, before = 0, left = -1 }
s.limit = given(6) or s.limit
s.interval = given(7) or s.interval
s.daily = given(8) or s.daily
s.daily_left = given(9) or s.daily_left
local limit, interval = s.limit or tonumber(ARGV[4]), s.interval or tonumber(ARGV[5])

-- No request can be counted later than this, and no pause be longer: Redis's clock was set back, and nothing is known any
-- more.
local latest = now + 2 * SLACK
if counted_after(latest) > 0 or (s.paused or 0) > latest + math.max(MAX_PAUSE, interval) then
  redis.call('ZREMRANGEBYSCORE', key, 1, '+inf')
  s.paused, s.begun, s.since, s.queue = now + interval, nil, nil, {}
end

local function live() return counted_after(now - interval) end

-- What others on the account were seen to use, in this interval and in the one before.
local function seen(used)
  if not s.since then
    s.since = now
  elseif now >= s.since + interval then
    s.since, s.before, s.others = now, s.others, 0
  end
  s.others = math.max(s.others, used)
end

for i = REPORTS, #ARGV, 5 do
  local member, outcome = process .. ':' .. ARGV[i], ARGV[i + 1]
  local sent, answered, left = now - tonumber(ARGV[i + 2]), now - tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4])
  if outcome == 'answered' then
    local by = redis.call('ZSCORE', key, member)
    if by and answered < tonumber(by) then redis.call('ZADD', key, text(answered), member) end
  elseif outcome == 'elsewhere' then
    redis.call('ZADD', key, text(answered), member)
  else
    redis.call('ZREM', key, member)
  end
  if outcome == 'refused' then
    -- Without a word of HubSpot's, room comes with the first request to leave the window.
    local pause = left >= 0 and left or (live() == 0 and interval / 4)
    if pause then s.paused = math.max(s.paused or 0, answered + pause) end
    left = 0
  end
  if outcome == 'answered' or outcome == 'refused' then
    if s.begun then
      s.ramp = s.ramp + 1
      if left >= 0 then s.left = left end
    end
    -- A response slower than the slack speaks of a window that is forgotten in part.
    if left >= 0 and now <= sent + SLACK then
      seen(math.max(0, limit - left - counted_after(sent - interval)))
    end
  end
end

redis.call('ZREMRANGEBYSCORE', key, 1, text(now - interval - SLACK))
if counted_after(0) == 0 then
  -- What was known of others is old.
  s.others, s.before, s.since = 0, 0, nil
  s.begun, s.ramp, s.left = now, math.ceil(limit / 8), -1
end

-- Asked again, as the reply was lost: what was granted then counts already, and nobody has it.
local again = 0
while again < wanted and tonumber(redis.call('ZSCORE', key, permit(again)) or 0) > now do again = again + 1 end

local used, flying = live() - again, counted_after(now) - again
local others = math.max(s.others, s.before)
local free = limit - others - used
-- With nothing of ours in the window, only asking shows whether others have left room.
if free <= 0 and used == 0 then free = 1 end
local room = free
if s.begun and now < s.begun + interval then
  room = math.min(room, s.ramp - flying)
  if s.left >= 0 then room = math.min(room, math.max(1, math.floor(s.left / 4)) - flying) end
end
if others > 0 then
  room = math.min(room, math.max(1, math.ceil((free + flying) / 2)) - flying)
end
if s.paused and s.paused <= now then s.paused = nil end
if s.paused then room = 0 end

-- Whoever waits longest is first: what those ahead want is left to them.
local block = math.max(1, math.min(100, math.floor(limit / 20)))
wanted = math.min(wanted, block)
local queue, ahead, mine = {}, 0, nil
for _, place in ipairs(s.queue) do
  if place[1] == process then
    mine = place
    queue[#queue + 1] = place
  elseif place[3] > now then
    queue[#queue + 1] = place
    if not mine then ahead = ahead + place[2] end
  end
end

local granted = math.max(0, math.min(wanted, room - ahead))
if granted > 0 then
  local members = {}
  for i = 0, granted - 1 do
    members[#members + 1] = text(now + SLACK)
    members[#members + 1] = permit(i)
  end
  redis.call('ZADD', key, unpack(members))
end

local wait = 0
if granted < wanted then
  if not mine or granted > 0 then
    -- To the end of the queue.
    for i, place in ipairs(queue) do
      if place == mine then table.remove(queue, i) break end
    end
    mine = { process }
    queue[#queue + 1] = mine
    ahead = 0
    for _, place in ipairs(queue) do
      if place ~= mine then ahead = ahead + place[2] end
    end
  end
  local poll = math.min(25000, interval / 400)
  local nth = ahead - (free - granted)
  if s.paused then
    wait = s.paused - now
  elseif nth < 0 then
    wait = poll
  else
    local place = redis.call('ZRANGEBYSCORE', key, '(' .. text(now - interval), '+inf', 'WITHSCORES', 'LIMIT', nth, 1)
    local by = tonumber(place[2])
    if not by then wait = interval / 4
    elseif by > now then wait = poll -- the response may come any moment
    else wait = by + interval - now end
  end
  wait = math.max(math.ceil(wait), PAUSE)
  mine[2], mine[3] = wanted - granted, now + wait + lease
elseif mine then
  for i, place in ipairs(queue) do
    if place == mine then table.remove(queue, i) break end
  end
end
s.queue = queue

local now_packed = cmsgpack.pack(s)
if now_packed ~= packed then
  if packed then redis.call('ZREM', key, packed) end
  redis.call('ZADD', key, 0, now_packed)
end
redis.call('PEXPIRE', key, EXPIRY)
return { granted, wait, limit, interval, used + granted, others, s.daily or -1, s.daily_left or -1 }
