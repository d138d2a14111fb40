-- What a scenario writes and reads, and what became of it. All that is noted of what is written
-- needs no memory: it is there before anything fails.
--
--   local book = dofile "spec/torture/book.lua"(40)
--   book.write(stream)              each line once, with a callback; runs the loop now and then
--   book.run(done)                  runs the loop until `done()`, or nothing moves any more
--   book.check_told()               each callback came once
--   book.expected()                 what was accepted
--   book.read(stream)               notes its data, `ended` and how many `failures`
--   book.check_read(expected)       what came is a beginning of that; behind an end it is all
local weir = require "weir"
local torture = torture -- luacheck: ignore

dofile "spec/torture/luajit.lua"

-- A loop in which so long nothing moves is given up; where nothing fails, it is only slow.
local STUCK_NS, PATIENCE_NS = 100e6, 3e9

return function(count)
  local book = { starved = false, moves = 0, ended = false, failures = 0 }
  local texts, accepted, told, went_well, callbacks = {}, {}, {}, {}, {}
  for i = 1, count do
    texts[i] = ("line %d %s\n"):format(i, ("x"):rep(i % 9 == 0 and 5000 or i % 50))
    accepted[i], told[i], went_well[i] = false, 0, false
    callbacks[i] = function(err)
      told[i] = told[i] + 1
      went_well[i] = err == nil
      book.moves = book.moves + 1
    end
  end

  -- Where Lua had no memory to call somebody, run raises that in its place.
  function book.turn(mode)
    local ok, err = pcall(weir.run, mode)
    if not ok and tostring(err):find "not enough memory" then book.starved = true end
  end

  function book.write(stream)
    for i = 1, count do
      local ok, taken = pcall(stream.write, stream, texts[i], callbacks[i])
      accepted[i] = ok and taken ~= nil
      if i % 10 == 0 then book.turn "nowait" end
    end
    pcall(stream.end_, stream)
  end

  function book.run(done)
    local moves, since = book.moves, weir.hrtime()
    while not done() do
      book.turn "nowait"
      if book.moves ~= moves then moves, since = book.moves, weir.hrtime() end
      if weir.hrtime() - since > (torture.calm and PATIENCE_NS or STUCK_NS) then return end
    end
  end

  function book.check_told()
    for i = 1, count do
      assert(told[i] <= 1 and (told[i] == 1 or book.starved or not accepted[i]),
        ("line %d: accepted %s, told %d times"):format(i, tostring(accepted[i]), told[i]))
    end
  end

  function book.expected()
    local expected = {}
    for i = 1, count do
      if accepted[i] then expected[#expected + 1] = texts[i] end
    end
    return table.concat(expected)
  end

  -- How many bytes of it were acknowledged.
  function book.acknowledged()
    local bytes, acknowledged = 0, 0
    for i = 1, count do
      if accepted[i] then bytes = bytes + #texts[i] end
      if went_well[i] then acknowledged = bytes end
    end
    return acknowledged
  end

  function book.on_error() book.failures = book.failures + 1 end

  local got, unnoted = {}, 0

  function book.read(stream)
    stream:on("error", book.on_error)
    stream:on("end", function() book.ended = true end)
    stream:on("data", function(data)
      book.moves = book.moves + 1
      unnoted = unnoted + 1 -- unless memory suffices to note it
      got[#got + 1] = data
      unnoted = unnoted - 1
    end)
  end

  function book.check_read(expected)
    if unnoted > 0 then return end
    local arrived = table.concat(got)
    assert(expected:sub(1, #arrived) == arrived, "what came was not there")
    if book.ended and book.failures == 0 and not book.starved then
      assert(arrived == expected, "an end, and not complete")
    end
  end

  return book
end
