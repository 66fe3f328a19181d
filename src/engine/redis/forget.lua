-- Removes the records of charges that the ledger has. Gives back those that are not charged yet.
-- KEYS: requests, expiry. ARGV: requests, not more than a call takes.
local records = redis.call('HMGET', KEYS[1], unpack(ARGV))
local charged, under_way = {}, {}
for index, request in ipairs(ARGV) do
  local record = records[index]
  if record and record:sub(1, 1) == 'C' then
    table.insert(charged, request)
  elseif record then
    table.insert(under_way, request)
    table.insert(under_way, record)
  end
end
call_in_parts('HDEL', KEYS[1], charged)
call_in_parts('ZREM', KEYS[2], charged)
return under_way
