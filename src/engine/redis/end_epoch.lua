-- Ends an epoch, unless another one has begun already.
-- KEYS: epoch. ARGV: token of the epoch.
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 1
