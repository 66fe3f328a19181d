-- The sliding minute of `domain::rate::SlidingMinute`, by the time of the server: a hash with the count of
-- each second, and with what they come to. A second counts until all of it is a minute old.
local SECONDS = 61
local IDLE_MS = 120000

local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]), tonumber(time[2])
end

-- What the minute comes to, and the oldest second that counts.
local function minute(key, now)
  local known = redis.call('HMGET', key, 'second', 'total', 'oldest')
  local second, total, oldest = tonumber(known[1]), tonumber(known[2]) or 0, tonumber(known[3]) or now
  if second and second >= now then
    return total, oldest
  end
  if second then
    -- Once a second: what is a minute old counts no more.
    local gone = math.min(now - SECONDS, second)
    while oldest <= gone do
      total = total - (tonumber(redis.call('HGET', key, oldest)) or 0)
      redis.call('HDEL', key, oldest)
      oldest = oldest + 1
    end
    while oldest < now and redis.call('HEXISTS', key, oldest) == 0 do
      oldest = oldest + 1
    end
  end
  redis.call('HSET', key, 'second', now, 'total', total, 'oldest', oldest)
  redis.call('PEXPIRE', key, IDLE_MS)
  return total, oldest
end

local function count(key, second, more)
  redis.call('HINCRBY', key, second, more)
  redis.call('HINCRBY', key, 'total', more)
end

-- When so many that are counted no longer are.
local function freed_at(key, missing, oldest, now)
  local freed = 0
  for second = oldest, now do
    freed = freed + (tonumber(redis.call('HGET', key, second)) or 0)
    if freed >= missing then
      return second + SECONDS
    end
  end
  return now + SECONDS
end
