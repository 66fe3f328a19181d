-- Ends a request that was counted: its place is free, and it used so many tokens.
-- KEYS: for each subject: tokens, at once. ARGV: request, second in which it was counted, tokens that
-- were taken, tokens that were used.
local now = clock()
local second = tonumber(ARGV[2])
for key = 1, #KEYS, 2 do
  redis.call('ZREM', KEYS[key + 1], ARGV[1])
  local counts = minute(KEYS[key], now)
  if counts[second] then
    counts[second] = math.max(0, counts[second] - tonumber(ARGV[3])) + tonumber(ARGV[4])
    keep(KEYS[key], counts)
  end
end
return 1
