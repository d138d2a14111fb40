-- What is promised to every writer, tried with random programs. The seed is fixed: a failure
-- names its program, and comes again.
local weir = require "weir"
local support = require "spec.semantics.support"
local rounds = require "spec.support.rounds"

-- Park and Miller's generator; its products are exact in a double.
local function new_random(seed)
  local state = seed * 7919 % 2147483646 + 1
  return function(n)
    state = state * 16807 % 2147483647
    return state % n + 1
  end
end

-- A stream whose sink answers by chance: at once if `at_once`, on a tick, or when asked.
local function new_program(seed, faults, at_once)
  local random = new_random(seed)
  local p = {
    random = random, faults = faults,
    held = {}, delivered = {}, writes = {}, events = {}, order = {}, ends = {},
  }

  local function operate(first, last, done)
    assert.is_false(p.busy or false) -- never two at a time
    p.busy = true
    for id = first, last do p.delivered[#p.delivered + 1] = id end
    local function answer(err)
      p.busy = false
      done(err)
    end
    local mode = random(at_once and 6 or 4)
    if mode > 4 then answer()
    elseif mode > 2 then weir.next_tick(answer)
    else p.held[#p.held + 1] = answer end
  end

  p.ws = weir.writable {
    high_water_mark = random(20) - 1,
    object_mode = true,
    auto_destroy = random(4) > 1,
    write = function(_, id, done) operate(id, id, done) end,
    writev = random(2) == 1 and function(_, ids, done)
      for i = 2, #ids do assert.equal(ids[i - 1] + 1, ids[i]) end -- in order, none left out
      operate(ids[1], ids[#ids], done)
    end or nil,
    final = random(3) == 1 and function(_, done) weir.next_tick(done) end or nil,
    construct = random(3) == 1 and function(_, done) weir.next_tick(done) end or nil,
  }
  for _, event in ipairs { "finish", "error", "close" } do
    p.events[event] = 0
    p.ws:on(event, function() p.events[event] = p.events[event] + 1 end)
  end
  return p
end

-- Nothing is accepted after a refusal, so the accepted writes have numbers without a gap.
local function step_write(p)
  if not p.faults and p.ws:writable_ended() then return end
  local write = { calls = 0 }
  local id = #p.writes + 1
  p.writes[id] = write
  local accepted = p.ws:write(id, function(err)
    write.calls = write.calls + 1
    write.err = err
    if err == nil then p.order[#p.order + 1] = id end
    if p.random(12) == 1 then step_write(p) end
  end)
  write.refused = accepted == nil
end

local function step_answer(p)
  local answer = table.remove(p.held, 1)
  if answer then answer(p.faults and p.random(25) == 1 and "fault" or nil) end
end

local function step_end(p)
  local ending = { calls = 0 }
  p.ends[#p.ends + 1] = ending
  p.ws:end_(function() ending.calls = ending.calls + 1 end)
end

local function step_destroy(p)
  if p.faults then p.ws:destroy(p.random(2) == 1 and "destroyed" or nil) end
end

-- Each step and how often it comes, of a hundred.
local STEPS = {
  { 45, step_write },
  { 25, step_answer },
  { 8, function(p) p.ws:cork() end },
  { 10, function(p) p.ws:uncork() end },
  { 9, support.run },
  { 2, step_end },
  { 1, step_destroy },
}

local function step(p)
  local choice = p.random(100)
  for _, candidate in ipairs(STEPS) do
    choice = choice - candidate[1]
    if choice <= 0 then return candidate[2](p) end
  end
end

-- Lets the sink answer all that it owes, and the stream come to its end.
local function come_to_rest(p)
  for _ = 1, p.ws:writable_corked() do p.ws:uncork() end
  p.ws:end_()
  repeat
    support.run()
    local answer = table.remove(p.held, 1)
    if answer then answer() end
  until not answer
  support.run()
  p.ws:destroy()
  support.run()
end

local function run_program(seed, faults, at_once)
  local p = new_program(seed, faults, at_once)
  for _ = 1, 40 do step(p) end
  come_to_rest(p)
  return p
end

-- Calls check(program) for each of many programs; an error names the program.
local function each_program(faults, at_once, check)
  for seed = 1, rounds(150, 4) do
    local ok, err = pcall(function() check(run_program(seed, faults, at_once)) end)
    if not ok then
      error(("program %d: %s"):format(seed, type(err) == "table" and err.message or tostring(err)))
    end
  end
end

local KINDS = {
  { "a sink that fails and a stream that is destroyed", true, false },
  { "a sink that sometimes answers at once, fails, and is destroyed", true, true },
  { "nothing going wrong", false, false },
  { "nothing going wrong and answers at once among others", false, true },
}

for _, kind in ipairs(KINDS) do
  local name, faults, at_once = kind[1], kind[2], kind[3]

  describe("with " .. name, function()
    before_each(support.settle)

    it("every write, accepted or refused, is called back exactly once", function()
      each_program(faults, at_once, function(p)
        for _, write in ipairs(p.writes) do assert.equal(1, write.calls) end
        for _, ending in ipairs(p.ends) do assert.equal(1, ending.calls) end
      end)
    end)

    it("every accepted chunk is delivered once and in order, or its callback says why not",
      function()
        each_program(faults, at_once, function(p)
          for i, id in ipairs(p.delivered) do assert.equal(i, id) end
          for id, write in ipairs(p.writes) do
            if write.refused then assert.is_not_nil(write.err) end
            if write.err == nil then assert.is_true(id <= #p.delivered) end
            if not faults then assert.is_nil(write.err) end
          end
          if not faults then assert.equal(#p.writes, #p.delivered) end
        end)
      end)

    if not at_once then
      it("those that went well are called back in the order of the writes", function()
        each_program(faults, at_once, function(p)
          for i = 2, #p.order do assert.is_true(p.order[i - 1] < p.order[i]) end
        end)
      end)
    end

    it("it ends with one `close`, at most one `error`, and nothing left in the length", function()
      each_program(faults, at_once, function(p)
        assert.equal(1, p.events.close)
        assert.is_true(p.events.error <= 1)
        assert.is_true(p.events.finish <= 1)
        assert.equal(0, p.ws:writable_length())
        assert.is_true(p.ws:closed())
        assert.equal(p.events.finish == 1, p.ws:writable_finished())
        if p.events.error == 1 then assert.is_not_nil(p.ws:errored()) end
      end)
    end)
  end)
end
