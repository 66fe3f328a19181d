-- Moves an entry to the dead letters. ARGV: group, id, most dead letters, what its gateway is told (or
-- nothing) up to the place, how long that is kept, the reason, then the fields.
if redis.call('XLEN', KEYS[2]) >= tonumber(ARGV[3]) then
  return 0
end
if #redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2]) > 0 then
  local add = {'XADD', KEYS[2], '*'}
  for i = 7, #ARGV do
    add[#add + 1] = ARGV[i]
  end
  add[#add + 1] = 'deadReason'
  add[#add + 1] = ARGV[6]
  local place = redis.call(unpack(add))
  if ARGV[4] ~= '' then
    redis.call('RPUSH', KEYS[3], ARGV[4] .. place)
    redis.call('EXPIRE', KEYS[3], ARGV[5])
  end
end
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
return 1
