-- Which entries are not where they were. ARGV: for each, the number of its key and its id.
local missing = {}
for i = 1, #ARGV, 2 do
  local id = ARGV[i + 1]
  if #redis.call('XRANGE', KEYS[tonumber(ARGV[i])], id, id) == 0 then
    missing[#missing + 1] = (i - 1) / 2
  end
end
return missing
