-- The sliding minute of `domain::rate::SlidingMinute`, by the time of the server: how many were counted
-- in each second, until the whole second is a minute old.
local SECONDS = 61
local IDLE_MS = 120000

local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]), tonumber(time[2])
end

local function minute(key, now)
  local counts, total, oldest = {}, 0, now
  local packed = redis.call('GET', key)
  if packed then
    for second, count in pairs(cmsgpack.unpack(packed)) do
      if second > now - SECONDS and count > 0 then
        counts[second] = count
        total = total + count
        oldest = math.min(oldest, second)
      end
    end
  end
  return counts, total, oldest
end

local function keep(key, counts)
  redis.call('SET', key, cmsgpack.pack(counts), 'PX', IDLE_MS)
end

-- When so many that are counted no longer are.
local function freed_at(counts, missing, now)
  local seconds = {}
  for second in pairs(counts) do
    table.insert(seconds, second)
  end
  table.sort(seconds)
  local freed = 0
  for _, second in ipairs(seconds) do
    freed = freed + counts[second]
    if freed >= missing then
      return second + SECONDS
    end
  end
  return now + SECONDS
end
