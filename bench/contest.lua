-- What the benchmarks share: what is here, the order within a round, the figure of all rounds.
local contest = {}

function contest.succeeds(command)
  local result = os.execute(command .. " >/dev/null 2>&1")
  return result == true or result == 0
end

function contest.shuffled(list)
  local copy = {}
  for i, value in ipairs(list) do table.insert(copy, math.random(i), value) end
  return copy
end

function contest.median(list)
  local copy = contest.shuffled(list)
  table.sort(copy)
  return copy[math.floor((#copy + 1) / 2)]
end

return contest
