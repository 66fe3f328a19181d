-- One step on the books of a tenant, or of the installation: a request's record is replaced by another
-- if it is the one that the caller expects, and balances change with it, if no ceiling is passed. All of
-- it or nothing. Amounts are decimal strings: Lua's own numbers are exact only below 2^53.
--
-- KEYS: marker, frozen, requests, expiry, accounts..., and for each subject of rates: requests, tokens,
-- at once.
-- ARGV: token of whoever froze the books, request, expected record, new record, its lifetime in ms,
-- number of accounts, for each: highest `used` before, highest `spent` before, change of `used`, change
-- of `spent`, what if it is missing (create, unknown, skip), its lifetime in ms;
-- number of subjects, tokens to count, lifetime of a place in ms, for each: limits of requests, tokens,
-- at once.
local ACCOUNT_ARGS = 6
local arg_of_rates = 7 + tonumber(ARGV[6]) * ACCOUNT_ARGS
local key_of_rates = 5 + tonumber(ARGV[6])
local accounts = tonumber(ARGV[6])

local function at_most(one, other)
  local one_negative, other_negative = one:sub(1, 1) == '-', other:sub(1, 1) == '-'
  if one_negative ~= other_negative then
    return one_negative
  end
  if one_negative then
    one, other = other:sub(2), one:sub(2)
  end
  if #one ~= #other then
    return #one < #other
  end
  return one <= other
end

local function account(index)
  local first = 7 + (index - 1) * ACCOUNT_ARGS
  return KEYS[4 + index], ARGV[first], ARGV[first + 1], ARGV[first + 2], ARGV[first + 3],
    ARGV[first + 4], ARGV[first + 5]
end

local function balances()
  local all = {}
  for index = 1, accounts do
    local pair = redis.call('HMGET', KEYS[4 + index], 'used', 'spent')
    table.insert(all, pair[1] or '')
    table.insert(all, pair[2] or '')
  end
  return all
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
        redis.call('ZADD', KEYS[keys + 2], ms + lifetime, ARGV[2])
        redis.call('PEXPIRE', KEYS[keys + 2], lifetime)
      end)
    end
    for unit, limit in pairs(limits) do
      local wanted = unit == 1 and 1 or tokens
      local counts, total, oldest = minute(KEYS[keys + unit - 1], now)
      if total + wanted > limit then
        local free = freed_at(counts, total + wanted - limit, now)
        return nil, { 'busy', subject - 1, unit - 1, total, oldest, free, now, now_us }
      end
      if wanted > 0 then
        table.insert(taken, function()
          counts[now] = (counts[now] or 0) + wanted
          keep(KEYS[keys + unit - 1], counts)
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

if redis.call('EXISTS', KEYS[1]) == 0 then
  return { 'lost' }
end
local frozen = redis.call('GET', KEYS[2])
if frozen and frozen ~= ARGV[1] then
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
local record = redis.call('HGET', KEYS[3], ARGV[2]) or ''
if record ~= ARGV[3] then
  return { 'changed', told, balances(), record }
end
for index = 1, accounts do
  local key, used_max, spent_max, _, _, if_missing = account(index)
  local pair = redis.call('HMGET', key, 'used', 'spent')
  local used, spent = pair[1] or '0', pair[2] or '0'
  if not pair[1] and if_missing == 'unknown' then
    return { 'unknown', told, tostring(index - 1) }
  end
  local fits = (used_max == '' or at_most(used, used_max)) and (spent_max == '' or at_most(spent, spent_max))
  if not fits then
    return { 'full', told, balances() }
  end
end
for index = 1, accounts do
  local key, _, _, used, spent, if_missing, lifetime = account(index)
  local exists = redis.call('EXISTS', key) == 1
  if exists or if_missing == 'create' then
    redis.call('HINCRBY', key, 'used', used)
    redis.call('HINCRBY', key, 'spent', spent)
    if lifetime ~= '' then
      redis.call('PEXPIRE', key, lifetime)
    end
  end
end
if ARGV[4] == '' then
  redis.call('HDEL', KEYS[3], ARGV[2])
  redis.call('ZREM', KEYS[4], ARGV[2])
else
  local now, now_us = clock()
  redis.call('HSET', KEYS[3], ARGV[2], ARGV[4])
  redis.call('ZADD', KEYS[4], now * 1000 + math.floor(now_us / 1000) + tonumber(ARGV[5]), ARGV[2])
end
return { 'ok', told, balances() }
