-- Opens accounts of books that the caller froze, and lets the books go. Records that are counted on them
-- are replaced; the installation's are added where it has none.
-- KEYS: marker, frozen, requests, expiry, slices of the replica, accounts...
-- ARGV: token, number of accounts, whether the replica's slices are of a process that is gone, for each
-- account: name of its slices, used, spent, lifetime in ms; then for each record: request, record,
-- lifetime in ms where it may be added.
local ACCOUNT_ARGS = 4
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 'lost'
end
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 'frozen'
end
local accounts = tonumber(ARGV[2])
for index = 1, accounts do
  local key, first = KEYS[5 + index], 4 + (index - 1) * ACCOUNT_ARGS
  if ARGV[3] == 'gone' then
    local own = redis.call('HGET', KEYS[5], ARGV[first])
    if own and redis.call('EXISTS', key) == 1 then
      local less = own:sub(1, 1) == '-' and own:sub(2) or '-' .. own
      redis.call('HINCRBY', key, 'leased', less)
    end
    redis.call('HDEL', KEYS[5], ARGV[first])
  end
  -- What others may spend of it without asking stays with them.
  local leased = redis.call('HGET', key, 'leased') or '0'
  redis.call('DEL', key)
  redis.call('HSET', key, 'used', ARGV[first + 1], 'spent', ARGV[first + 2], 'leased', leased)
  redis.call('HINCRBY', key, 'used', leased)
  if ARGV[first + 3] ~= '' then
    redis.call('PEXPIRE', key, ARGV[first + 3])
  end
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
for first = 4 + accounts * ACCOUNT_ARGS, #ARGV, 3 do
  local request, record, lifetime = ARGV[first], ARGV[first + 1], ARGV[first + 2]
  if redis.call('HEXISTS', KEYS[3], request) == 1 then
    redis.call('HSET', KEYS[3], request, record)
  elseif lifetime ~= '' then
    redis.call('HSET', KEYS[3], request, record)
    redis.call('ZADD', KEYS[4], now + tonumber(lifetime), request)
  end
end
redis.call('DEL', KEYS[2])
return 'ok'
