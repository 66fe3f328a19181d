-- What a replica did with its slices of a tenant's accounts: what was spent of them, what it holds for
-- requests that others have to know of, what it gives back and what more it would like. Once for each
-- report, also if it is told twice.
--
-- KEYS: marker, frozen, requests, expiry, reports, slices of the replica, accounts..., minutes...
-- ARGV: replica, number of the report, number of accounts, for each: name of the slice, change of `used`,
-- change of `spent`, change of the slice, what more is wanted, highest `used` for that; number of minutes, for
-- each: limit, wanted permits, by what their share of the rest is divided, in which second some were not
-- used, how many; then for each record: request, record, lifetime in ms.
local ACCOUNT_ARGS = 6
local MINUTE_ARGS = 5
if redis.call('EXISTS', KEYS[1]) == 0 then
  return { 'lost' }
end
if redis.call('EXISTS', KEYS[2]) == 1 then
  return { 'frozen' }
end
local accounts = tonumber(ARGV[3])
local is_new = redis.call('HGET', KEYS[5], ARGV[1]) ~= ARGV[2]
for index = 1, accounts do
  if redis.call('EXISTS', KEYS[6 + index]) == 0 then
    return { 'lost' }
  end
end
local told = {}
for index = 1, accounts do
  local key, first = KEYS[6 + index], 4 + (index - 1) * ACCOUNT_ARGS
  local name = ARGV[first]
  if is_new then
    redis.call('HINCRBY', key, 'used', ARGV[first + 1])
    redis.call('HINCRBY', key, 'spent', ARGV[first + 2])
    redis.call('HINCRBY', key, 'leased', ARGV[first + 3])
    redis.call('HINCRBY', KEYS[6], name, ARGV[first + 3])
    if ARGV[first + 4] ~= '0' and at_most(redis.call('HGET', key, 'used'), ARGV[first + 5]) then
      redis.call('HINCRBY', key, 'used', ARGV[first + 4])
      redis.call('HINCRBY', key, 'leased', ARGV[first + 4])
      redis.call('HINCRBY', KEYS[6], name, ARGV[first + 4])
    end
    if redis.call('HGET', KEYS[6], name) == '0' then
      redis.call('HDEL', KEYS[6], name)
    end
  end
  local pair = redis.call('HMGET', key, 'used', 'spent', 'leased')
  table.insert(told, redis.call('HGET', KEYS[6], name) or '0')
  table.insert(told, pair[1] or '')
  table.insert(told, pair[2] or '')
  table.insert(told, pair[3] or '0')
end
local now, now_us = clock()
local arg_of_minutes = 4 + accounts * ACCOUNT_ARGS
local minutes = tonumber(ARGV[arg_of_minutes])
local permits = { tostring(now), tostring(now_us) }
for index = 1, minutes do
  local key, first = KEYS[6 + accounts + index], arg_of_minutes + 1 + (index - 1) * MINUTE_ARGS
  local total, oldest = minute(key, now)
  local granted = 0
  if is_new then
    local second, unused = ARGV[first + 3], tonumber(ARGV[first + 4])
    if unused > 0 and redis.call('HEXISTS', key, second) == 1 then
      count(key, second, -unused)
      total = total - unused
    end
    local share = math.floor((tonumber(ARGV[first]) - total) / tonumber(ARGV[first + 2]))
    granted = math.max(0, math.min(tonumber(ARGV[first + 1]), share))
    if granted > 0 then
      -- They are good until the end of the next second.
      count(key, now + 1, granted)
      total = total + granted
    end
  end
  table.insert(permits, tostring(granted))
  table.insert(permits, tostring(total))
  table.insert(permits, tostring(oldest))
end
if is_new then
  redis.call('HSET', KEYS[5], ARGV[1], ARGV[2])
  local at = now * 1000 + math.floor(now_us / 1000)
  local records, expiries = {}, {}
  for first = arg_of_minutes + 1 + minutes * MINUTE_ARGS, #ARGV, 3 do
    table.insert(records, ARGV[first])
    table.insert(records, ARGV[first + 1])
    table.insert(expiries, at + tonumber(ARGV[first + 2]))
    table.insert(expiries, ARGV[first])
  end
  call_in_parts('HSET', KEYS[3], records)
  call_in_parts('ZADD', KEYS[4], expiries)
end
return { 'ok', told, permits }
