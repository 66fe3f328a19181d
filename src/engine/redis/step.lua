-- A step on the books of a tenant, or of the installation: the records of some requests are replaced by
-- others if they are those that the callers expect, and balances change with them, if no ceiling is passed.
-- All of it or nothing. Steps of several requests come added up to one; if that cannot be taken, each of
-- them is, in their order, as if it had come alone.
--
-- KEYS: marker, frozen, requests, expiry, accounts..., and for each subject of rates: requests, tokens,
-- at once.
-- ARGV: lifetime of a place in ms; number of accounts, for each: highest `used` before, highest `spent`
-- before, change of `used`, change of `spent`, what if it is missing (create, unknown, skip, apart: ask each
-- step), its lifetime in ms, whether that begins again; number of subjects, for each: requests and tokens to
-- count, limits of requests, tokens, at once; then for each request: request, expected record, new record,
-- its lifetime in ms, and what of all this is its own: its changes, a bar, the subjects that count it and its
-- tokens. `?` is nothing.
local KEYS_BEFORE_ACCOUNTS = 4
local ACCOUNT_ARGS, SUBJECT_ARGS, REQUEST_ARGS = 7, 5, 5
-- Account, highest used and spent before, changes of used and spent, what if it is missing.
local CHANGE = 6
-- Subject, requests and tokens to count.
local WISH = 3
-- Used, spent, leased.
local STANDING = 3
local MISSING = '?'

local accounts = tonumber(ARGV[2])
local args_of_subjects = 3 + accounts * ACCOUNT_ARGS
local subjects = tonumber(ARGV[args_of_subjects])
local args_of_requests = args_of_subjects + 1 + subjects * SUBJECT_ARGS
local requests = (#ARGV - args_of_requests + 1) / REQUEST_ARGS
local now, now_us = clock()
local now_ms = now * 1000 + math.floor(now_us / 1000)

local function of_account(account, offset)
  return ARGV[3 + (account - 1) * ACCOUNT_ARGS + offset]
end

local function of_subject(subject, offset)
  return ARGV[args_of_subjects + 1 + (subject - 1) * SUBJECT_ARGS + offset]
end

local function of_request(request, offset)
  return ARGV[args_of_requests + (request - 1) * REQUEST_ARGS + offset]
end

local function key_of_rate(subject, unit)
  return KEYS[KEYS_BEFORE_ACCOUNTS + accounts + (subject - 1) * 3 + unit]
end

-- What minutes are told, or why there is no place in one.
local function check_rates(wishes)
  local told = {}
  for at = 1, #wishes, WISH do
    local subject = wishes[at]
    local at_once = tonumber(of_subject(subject, 4))
    if at_once then
      local key = key_of_rate(subject, 3)
      redis.call('ZREMRANGEBYSCORE', key, '-inf', now_ms)
      if redis.call('ZCARD', key) + wishes[at + 1] > at_once then
        return nil, { 'busy', subject - 1, 2, 0, now, now + 1, now, now_us }
      end
    end
    for unit = 1, 2 do
      local limit = tonumber(of_subject(subject, 1 + unit))
      if limit then
        local key, wanted = key_of_rate(subject, unit), wishes[at + unit]
        local total, oldest = minute(key, now)
        if total + wanted > limit then
          local free = freed_at(key, total + wanted - limit, oldest, now)
          return nil, { 'busy', subject - 1, unit - 1, total, oldest, free, now, now_us }
        end
        table.insert(told, string.format('%d %d %d %d', subject - 1, unit - 1, total + wanted, oldest))
      end
    end
  end
  return told
end

-- Only a step that comes alone takes a place among the requests at once.
local function count_rates(wishes, request)
  for at = 1, #wishes, WISH do
    local subject = wishes[at]
    for unit = 1, 2 do
      if of_subject(subject, 1 + unit) ~= '' and wishes[at + unit] > 0 then
        count(key_of_rate(subject, unit), now, wishes[at + unit])
      end
    end
    if of_subject(subject, 4) ~= '' then
      local lifetime = tonumber(ARGV[1])
      redis.call('ZADD', key_of_rate(subject, 3), now_ms + lifetime, of_request(request, 0))
      redis.call('PEXPIRE', key_of_rate(subject, 3), lifetime)
    end
  end
end

local function standings(changes)
  local all = {}
  for at = 1, #changes, CHANGE do
    local told = redis.call('HMGET', KEYS[KEYS_BEFORE_ACCOUNTS + changes[at]], 'used', 'spent', 'leased')
    local index = #all
    all[index + 1], all[index + 2], all[index + 3] = told[1] or MISSING, told[2] or MISSING, told[3] or '0'
  end
  return all
end

-- Why balances cannot change, if they cannot.
local function check_accounts(changes, before)
  local standing = 1
  for at = 1, #changes, CHANGE do
    local used, spent = before[standing], before[standing + 1]
    if used == MISSING then
      if changes[at + 5] == 'unknown' or changes[at + 5] == 'apart' then
        return changes[at + 5], tostring((at - 1) / CHANGE)
      end
      used, spent = '0', '0'
    end
    local used_max, spent_max = changes[at + 1], changes[at + 2]
    if used_max ~= '?' and not at_most(used, used_max) or spent_max ~= '?' and not at_most(spent, spent_max) then
      return 'full'
    end
    standing = standing + STANDING
  end
end

local function change_accounts(changes, before)
  local standing = 1
  for at = 1, #changes, CHANGE do
    local account, is_missing = changes[at], before[standing] == MISSING
    local key, lifetime = KEYS[KEYS_BEFORE_ACCOUNTS + account], of_account(account, 5)
    if not is_missing or changes[at + 5] == 'create' then
      if is_missing then
        redis.call('HSET', key, 'used', '0', 'spent', '0', 'leased', '0')
      end
      if changes[at + 3] ~= '0' then
        redis.call('HINCRBY', key, 'used', changes[at + 3])
      end
      if changes[at + 4] ~= '0' then
        redis.call('HINCRBY', key, 'spent', changes[at + 4])
      end
      -- Sessions are kept for as long as they are used, windows until they are over.
      if lifetime ~= '' and (is_missing or of_account(account, 6) == 'again') then
        redis.call('PEXPIRE', key, lifetime)
      end
    end
    standing = standing + STANDING
  end
end

-- The first record that is not the expected one.
local function changed_record(first, last)
  local names = {}
  for request = first, last do
    names[#names + 1] = of_request(request, 0)
  end
  local known = redis.call('HMGET', KEYS[3], unpack(names))
  for request = first, last do
    local record = known[request - first + 1] or ''
    if record ~= of_request(request, 1) then
      return record
    end
  end
end

local function replace_records(first, last)
  local kept, expiries, gone = {}, {}, {}
  for request = first, last do
    local name, expected, record = of_request(request, 0), of_request(request, 1), of_request(request, 2)
    if record ~= '' then
      kept[#kept + 1], kept[#kept + 2] = name, record
      local index = #expiries
      expiries[index + 1], expiries[index + 2] = now_ms + tonumber(of_request(request, 3)), name
    elseif expected ~= '' then
      gone[#gone + 1] = name
    end
  end
  call_in_parts('HSET', KEYS[3], kept)
  call_in_parts('ZADD', KEYS[4], expiries)
  call_in_parts('HDEL', KEYS[3], gone)
  call_in_parts('ZREM', KEYS[4], gone)
end

-- Takes the steps of some requests as one. What has a place in the minute keeps it if only the budgets
-- refuse; of several requests that is for each of them to say.
local function take(first, last, changes, wishes)
  local told, refusal = check_rates(wishes)
  if refusal then
    return refusal
  end
  if #wishes > 0 then
    table.insert(told, 1, string.format('%d %d', now, now_us))
  end
  local before = standings(changes)
  local record = changed_record(first, last)
  local why, which = check_accounts(changes, before)
  if first == last or not (record or why) then
    count_rates(wishes, first)
  end
  local told_rates, stood_at = table.concat(told, ' '), table.concat(before, ' ')
  if record then
    return { 'changed', told_rates, stood_at, record }
  elseif why then
    return { why, told_rates, which or stood_at }
  end
  change_accounts(changes, before)
  replace_records(first, last)
  return { 'ok', told_rates, stood_at }
end

local function all_changes()
  local changes = {}
  for account = 1, accounts do
    local index = #changes
    changes[index + 1] = account
    for offset = 0, 4 do
      changes[index + 2 + offset] = of_account(account, offset)
    end
  end
  return changes
end

local function all_wishes()
  local wishes = {}
  for subject = 1, subjects do
    local index = #wishes
    wishes[index + 1] = subject
    wishes[index + 2], wishes[index + 3] = tonumber(of_subject(subject, 0)), tonumber(of_subject(subject, 1))
  end
  return wishes
end

-- The changes and wishes of one request, as it tells them.
local function its_own(request)
  local own, changes, wishes = of_request(request, 4), {}, {}
  local bar = own:find('|', 1, true)
  for word in own:sub(1, bar - 1):gmatch('%S+') do
    changes[#changes + 1] = #changes % CHANGE == 0 and tonumber(word) or word
  end
  for word in own:sub(bar + 1):gmatch('%S+') do
    wishes[#wishes + 1] = tonumber(word)
  end
  return changes, wishes
end

local state = redis.call('MGET', KEYS[1], KEYS[2])
if not state[1] then
  return { 'lost' }
elseif state[2] then
  return { 'frozen' }
end
local reply = take(1, requests, all_changes(), all_wishes())
if requests == 1 or reply[1] == 'ok' then
  return reply
end
local each = { 'each' }
for request = 1, requests do
  each[#each + 1] = take(request, request, its_own(request))
end
return each
