-- Opens accounts of books that the caller froze, and lets the books go. Records that are counted on them
-- are replaced; the installation's are added where it has none.
-- KEYS: marker, frozen, requests, expiry, accounts...
-- ARGV: token, number of accounts, for each: used, spent, lifetime in ms; then for each record: request,
-- record, lifetime in ms where it may be added.
local ACCOUNT_ARGS = 3
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 'lost'
end
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 'frozen'
end
local accounts = tonumber(ARGV[2])
for index = 1, accounts do
  local key, first = KEYS[4 + index], 3 + (index - 1) * ACCOUNT_ARGS
  redis.call('DEL', key)
  redis.call('HSET', key, 'used', ARGV[first], 'spent', ARGV[first + 1])
  if ARGV[first + 2] ~= '' then
    redis.call('PEXPIRE', key, ARGV[first + 2])
  end
end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
for first = 3 + accounts * ACCOUNT_ARGS, #ARGV, 3 do
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
