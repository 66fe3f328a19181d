-- One step on the books of a tenant, or of the installation: a request's record is replaced by another
-- if it is the one that the caller expects, and balances change with it, if no ceiling is passed. All of
-- it or nothing.
--
-- KEYS: marker, frozen, requests, expiry, accounts..., and for each subject of rates: requests, tokens,
-- at once.
-- ARGV: request, expected record, new record, its lifetime in ms,
-- number of accounts, for each: highest `used` before, highest `spent` before, change of `used`, change
-- of `spent`, what if it is missing (create, unknown, skip), its lifetime in ms, whether that begins again;
-- number of subjects, tokens to count, lifetime of a place in ms, for each: limits of requests, tokens,
-- at once.
local ACCOUNT_ARGS = 7
local accounts = tonumber(ARGV[5])
local arg_of_rates = 6 + accounts * ACCOUNT_ARGS
local key_of_rates = 5 + accounts

local function arg(index, offset)
  return ARGV[6 + (index - 1) * ACCOUNT_ARGS + offset]
end

-- What the accounts stood at before the step: used, spent and leased of each.
local before = {}
local function read_accounts()
  for index = 1, accounts do
    local told = redis.call('HMGET', KEYS[4 + index], 'used', 'spent', 'leased')
    before[index * 3 - 2] = told[1] or ''
    before[index * 3 - 1] = told[2] or ''
    before[index * 3] = told[3] or '0'
  end
end

-- What of the minute is told: total and oldest second of requests and of tokens.
local function count_rates(now, now_us)
  local subjects, tokens = tonumber(ARGV[arg_of_rates]), tonumber(ARGV[arg_of_rates + 1])
  local told, taken = { tostring(now), tostring(now_us) }, {}
  for subject = 1, subjects do
    local keys, args = key_of_rates + (subject - 1) * 3, arg_of_rates + subject * 3
    local limits = { tonumber(ARGV[args]), tonumber(ARGV[args + 1]) }
    local at_once = tonumber(ARGV[args + 2])
    if at_once then
      local ms = now * 1000 + math.floor(now_us / 1000)
      redis.call('ZREMRANGEBYSCORE', KEYS[keys + 2], '-inf', ms)
      if redis.call('ZCARD', KEYS[keys + 2]) >= at_once then
        return nil, { 'busy', subject - 1, 2, 0, now, now + 1, now, now_us }
      end
      table.insert(taken, function()
        local lifetime = tonumber(ARGV[arg_of_rates + 2])
        redis.call('ZADD', KEYS[keys + 2], ms + lifetime, ARGV[1])
        redis.call('PEXPIRE', KEYS[keys + 2], lifetime)
      end)
    end
    for unit, limit in pairs(limits) do
      local key, wanted = KEYS[keys + unit - 1], unit == 1 and 1 or tokens
      local total, oldest = minute(key, now)
      if total + wanted > limit then
        local free = freed_at(key, total + wanted - limit, oldest, now)
        return nil, { 'busy', subject - 1, unit - 1, total, oldest, free, now, now_us }
      end
      if wanted > 0 then
        table.insert(taken, function()
          count(key, now, wanted)
        end)
      end
      table.insert(told, tostring(subject - 1))
      table.insert(told, tostring(unit - 1))
      table.insert(told, tostring(total + wanted))
      table.insert(told, tostring(oldest))
    end
  end
  for _, take in ipairs(taken) do
    take()
  end
  return told
end

local state = redis.call('MGET', KEYS[1], KEYS[2])
if not state[1] then
  return { 'lost' }
elseif state[2] then
  return { 'frozen' }
end
local told = {}
if ARGV[arg_of_rates] ~= '0' then
  local refusal
  told, refusal = count_rates(clock())
  if refusal then
    return refusal
  end
end
read_accounts()
local record = redis.call('HGET', KEYS[3], ARGV[1]) or ''
if record ~= ARGV[2] then
  return { 'changed', told, before, record }
end
for index = 1, accounts do
  local used, spent = before[index * 3 - 2], before[index * 3 - 1]
  if used == '' and arg(index, 4) == 'unknown' then
    return { 'unknown', told, tostring(index - 1) }
  end
  local used_max, spent_max = arg(index, 0), arg(index, 1)
  local fits = (used_max == '' or at_most(used == '' and '0' or used, used_max))
    and (spent_max == '' or at_most(spent == '' and '0' or spent, spent_max))
  if not fits then
    return { 'full', told, before }
  end
end
for index = 1, accounts do
  local key, is_missing = KEYS[4 + index], before[index * 3 - 2] == ''
  if not is_missing or arg(index, 4) == 'create' then
    if is_missing then
      redis.call('HSET', key, 'used', '0', 'spent', '0', 'leased', '0')
    end
    if arg(index, 2) ~= '0' then
      redis.call('HINCRBY', key, 'used', arg(index, 2))
    end
    if arg(index, 3) ~= '0' then
      redis.call('HINCRBY', key, 'spent', arg(index, 3))
    end
    -- Sessions are kept for as long as they are used, windows until they are over.
    if arg(index, 5) ~= '' and (is_missing or arg(index, 6) == 'again') then
      redis.call('PEXPIRE', key, arg(index, 5))
    end
  end
end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[3], ARGV[1])
  redis.call('ZREM', KEYS[4], ARGV[1])
else
  local now, now_us = clock()
  redis.call('HSET', KEYS[3], ARGV[1], ARGV[3])
  redis.call('ZADD', KEYS[4], now * 1000 + math.floor(now_us / 1000) + tonumber(ARGV[4]), ARGV[1])
end
return { 'ok', told, before }
