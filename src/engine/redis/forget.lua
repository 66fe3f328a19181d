-- Removes the records of charges that the ledger has. Gives back those that are not charged yet.
-- KEYS: requests, expiry. ARGV: requests.
local under_way = {}
for _, request in ipairs(ARGV) do
  local record = redis.call('HGET', KEYS[1], request)
  if record and record:sub(1, 1) == 'C' then
    redis.call('HDEL', KEYS[1], request)
    redis.call('ZREM', KEYS[2], request)
  elseif record then
    table.insert(under_way, request)
    table.insert(under_way, record)
  end
end
return under_way
