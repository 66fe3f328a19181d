-- Amounts are decimal strings: Lua's own numbers are exact only below 2^53.
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
