-- Ends a request that was counted: its place is free, and it used so many tokens.
-- KEYS: for each subject: tokens, at once. ARGV: request, second in which it was counted, tokens that
-- were taken, tokens that were used.
local now = clock()
local second, more = tonumber(ARGV[2]), tonumber(ARGV[4]) - tonumber(ARGV[3])
for key = 1, #KEYS, 2 do
  redis.call('ZREM', KEYS[key + 1], ARGV[1])
  if more ~= 0 then
    minute(KEYS[key], now)
    local counted = tonumber(redis.call('HGET', KEYS[key], second))
    if counted then
      count(KEYS[key], second, math.max(more, -counted))
    end
  end
end
return 1
