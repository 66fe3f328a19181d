-- A call takes only so many arguments: even, so that pairs stay together.
local PART = 1000

local function call_in_parts(command, key, arguments)
  for first = 1, #arguments, PART do
    redis.call(command, key, unpack(arguments, first, math.min(first + PART - 1, #arguments)))
  end
end
