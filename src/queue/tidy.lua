-- ARGV: group, idle milliseconds after which a worker without entries is forgotten.
local function fields(list)
  local found = {}
  for i = 1, #list, 2 do
    found[list[i]] = list[i + 1]
  end
  return found
end
for _, worker in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])) do
  local it = fields(worker)
  if it.pending == 0 and it.idle > tonumber(ARGV[2]) then
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], it.name)
  end
end
for _, group in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local it = fields(group)
  local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  if it.name == ARGV[1] and it.pending == 0 and last then
    local unread = redis.call('XRANGE', KEYS[1], '(' .. it['last-delivered-id'], '+', 'COUNT', 1)
    if #unread == 0 then
      redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], '0')
    end
  end
end
return 1
