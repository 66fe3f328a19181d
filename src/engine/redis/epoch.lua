-- The epoch of this server's data: begun by whoever finds none, or one of another server's run.
-- KEYS: epoch. ARGV: run id of the server, token of a new epoch. Returns the epoch (token, run id, when it
-- began in ms), the token of the one before, and the time.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local known = redis.call('HMGET', KEYS[1], 'token', 'run_id', 'began')
local before = known[1] or ''
if not known[1] or known[2] ~= ARGV[1] then
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'token', ARGV[2], 'run_id', ARGV[1], 'began', string.format('%d', now))
  return { ARGV[2], string.format('%d', now), before, string.format('%d', now) }
end
return { before, known[3], before, string.format('%d', now) }
