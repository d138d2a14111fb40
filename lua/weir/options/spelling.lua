--- What a misspelt option was meant to be.
local spelling = {}

-- How many letters have to be changed, put in or left out to make one name of the other.
local function distance(a, b)
  local row = {}
  for j = 0, #b do row[j] = j end
  for i = 1, #a do
    local diagonal = row[0]
    row[0] = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      diagonal, row[j] = row[j], math.min(row[j] + 1, row[j - 1] + 1, diagonal + cost)
    end
  end
  return row[#b]
end

-- "highWaterMark" is looked up as "high_water_mark".
local function snake_case(name)
  return (name:gsub("%u", function(letter) return "_" .. letter:lower() end):gsub("^_", ""))
end

--- The key of `known` that is most like `name`.
function spelling.nearest(name, known)
  name = name:sub(1, 40) -- no name is that long; the distance of two long ones takes its time
  local wanted, best, best_distance = snake_case(name), nil, math.huge
  for candidate in pairs(known) do
    local d = distance(wanted, candidate)
    if d < best_distance or (d == best_distance and candidate < best) then
      best, best_distance = candidate, d
    end
  end
  return best
end

return spelling
