-- The logs of Node that a writable is measured by (semantics.md, 9.2), one after another.
local support = require "spec.semantics.support"

-- write() as Node answers it: what weir refuses is false there.
local function writes(log)
  return function(ws, ...) log.add((ws:write(...)) or false) end
end

local function cork_write_uncork(ws, log)
  ws:cork()
  for _, name in ipairs { "a", "b", "c" } do ws:write(name, log.cb(name)) end
  ws:uncork()
end

-- What the table's words mean: `options` are support.stream's; `act` is the user's turn, it ends
-- with `|` and a tick `t`; `later` comes after all that could happen has happened, and is followed
-- by another run. `log` is what must have been logged in all.
local logs = {
  [1] = { "a sink that answers at once: write(a, cb)",
    options = { write = "now" },
    act = function(ws, log, write) write(ws, "a", log.cb "cb") end,
    log = "write(a) true | cb t" },
  [2] = { "a sink that answers at once: a chunk of the mark's size",
    options = { write = "now", high_water_mark = 3 },
    act = function(ws, _, write) write(ws, "abc") end,
    log = "write(abc) true | t" },
  [3] = { "a late answer to a chunk of the mark's size",
    options = { high_water_mark = 3 },
    act = function(ws, log, write) write(ws, "abc", log.cb "cb") end,
    later = function(_, _, sink) sink.answer() end,
    log = "write(abc) false | t drain cb" },
  [4] = { "late answers, mark 4: aaa, b, cc",
    options = { high_water_mark = 4 },
    act = function(ws, log, write)
      for i, chunk in ipairs { "aaa", "b", "cc" } do write(ws, chunk, log.cb("cb" .. i)) end
    end,
    later = function(ws, log, sink)
      for _ = 1, 3 do
        sink.answer()
        log.add(ws:writable_length())
      end
    end,
    log = "write(aaa) true false false | t write(b) cb1 3 write(cc) cb2 2 drain cb3 0" },
  [5] = { "ab and cd corked at a mark of 3, uncork, answers at once",
    options = { write = "now", high_water_mark = 3 },
    act = function(ws, log, write)
      ws:cork()
      write(ws, "ab", log.cb "cb1")
      write(ws, "cd", log.cb "cb2")
      ws:uncork()
    end,
    log = "true false write(ab) write(cd) | drain cb1 cb2 t" },
  [6] = { "answers at once, callbacks f f g f f",
    options = { write = "now" },
    act = function(ws, log)
      local f, g = log.cb "f", log.cb "g"
      for _, callback in ipairs { f, f, g, f, f } do ws:write("x", callback) end
    end,
    log = "write(x) write(x) write(x) write(x) write(x) | f f g f f t" },
  [7] = { "a write in the listener of drain",
    options = { high_water_mark = 1 },
    act = function(ws, log, write)
      ws:once("drain", function() write(ws, "z", log.cb "cbZ") end)
      write(ws, "a", log.cb "cbA")
    end,
    later = function(_, log, sink)
      sink.answer()
      log.add("|")
      sink.answer()
    end,
    log = "write(a) false | t drain write(z) false cbA | drain cbZ" },
  [8] = { "the first answer late, two queued that are answered at once, mark 2",
    options = { write = { "later", "now" }, high_water_mark = 2 },
    act = function(ws, log)
      for _, name in ipairs { "a", "b", "c" } do ws:write(name, log.cb(name)) end
    end,
    later = function(_, log, sink)
      sink.answer()
      log.add("|")
    end,
    log = "write(a) | t write(b) write(c) drain a | b c" },
  [9] = { "a tick of drain due, and the stream filled again before it",
    options = { write = { "now", "later" }, high_water_mark = 2 },
    act = function(ws, log)
      ws:cork()
      ws:write("aa", log.cb "a")
      ws:uncork()
      ws:write("bb", log.cb "b")
    end,
    later = function(_, _, sink) sink.answer() end,
    log = "write(aa) write(bb) | a t drain b" },
  [10] = { "answers at once: write(a, cb), end_(e)",
    options = { write = "now" },
    act = function(ws, log)
      ws:write("a", log.cb "cb")
      ws:end_(log.cb "e")
    end,
    log = "write(a) prefinish | cb t e finish close" },
  [11] = { "end_(z, e), final and destroy answer at once",
    options = { write = "now", final = "now", destroy = "now" },
    act = function(ws, log) ws:end_("z", log.cb "e") end,
    log = "write(z) final prefinish | e finish destroy t close" },
  [12] = { "end_(e) and nothing else",
    act = function(ws, log) ws:end_(log.cb "e") end,
    log = "prefinish | e finish t close" },
  [13] = { "final answers late",
    options = { final = "later" },
    act = function(ws, log) ws:end_(log.cb "e") end,
    later = function(_, _, sink) sink.answer_final() end,
    log = "final | t prefinish e finish close" },
  [14] = { "a late answer to write(a), and end_(e)",
    act = function(ws, log)
      ws:write("a", log.cb "cb")
      ws:end_(log.cb "e")
    end,
    later = function(_, _, sink) sink.answer() end,
    log = "write(a) | t cb prefinish e finish close" },
  [15] = { "the same with a final that answers at once",
    options = { final = "now" },
    act = function(ws, log)
      ws:write("a", log.cb "cb")
      ws:end_(log.cb "e")
    end,
    later = function(_, _, sink) sink.answer() end,
    log = "write(a) | t cb final prefinish e finish close" },
  [16] = { "a fails late, b and c are queued",
    act = function(ws, log)
      for i, name in ipairs { "a", "b", "c" } do ws:write(name, log.cb("cb" .. i)) end
    end,
    later = function(_, log, sink)
      sink.answer("X")
      log.add("|")
    end,
    log = "write(a) | t cb1(X) cb2(X) cb3(X) | error(X) close" },
  [17] = { "a fails at once, then write(b) and end_(e)",
    options = { write = "now:X" },
    act = function(ws, log, write)
      write(ws, "a", log.cb "cb1")
      write(ws, "b", log.cb "cb2")
      ws:end_(log.cb "e")
    end,
    log = "write(a) false false | cb1(X) cb2(X) e(X) t error(X) close" },
  [18] = { "failures at once in a flush of a, b, c (mended: it stops at a, Q-03)",
    options = { write = { "now:Xa", "now:Xb", "now:Xc" } },
    act = cork_write_uncork,
    log = "write(a) | a(Xa) b(Xa) c(Xa) t error(Xa) close" },
  [19] = { "the same without auto_destroy (mended, Q-03)",
    options = { write = { "now:Xa", "now:Xb", "now:Xc" }, auto_destroy = false },
    act = cork_write_uncork,
    log = "write(a) | a(Xa) b(Xa) c(Xa) error(Xa) t" },
  [20] = { "final fails at once",
    options = { final = "now:F" },
    act = function(ws, log) ws:end_(log.cb "e") end,
    log = "final | error(F) close e(F) t" },
  [21] = { "final fails late",
    options = { final = "later" },
    act = function(ws, log) ws:end_(log.cb "e") end,
    later = function(_, log, sink)
      sink.answer_final("F")
      log.add("|")
    end,
    log = "final | t e(F) | error(F) close" },
  [22] = { "a write after end_(e)",
    act = function(ws, log, write)
      ws:end_(log.cb "e")
      write(ws, "a", log.cb "cb")
      log.add(ws:destroyed())
    end,
    log = "prefinish false true | cb(WRITE_AFTER_END) e(WRITE_AFTER_END) "
      .. "error(WRITE_AFTER_END) close t" },
  [23] = { "the same without auto_destroy (mended: e is told, Q-05)",
    options = { auto_destroy = false },
    act = function(ws, log, write)
      ws:end_(log.cb "e")
      write(ws, "a", log.cb "cb")
    end,
    log = "prefinish false | cb(WRITE_AFTER_END) e(WRITE_AFTER_END) error(WRITE_AFTER_END) t" },
  [24] = { "end_(a, c1), end_(b, c2), a late answer",
    act = function(ws, log)
      ws:end_("a", log.cb "c1")
      ws:end_("b", log.cb "c2")
    end,
    later = function(_, _, sink) sink.answer() end,
    log = "write(a) | error(WRITE_AFTER_END) close c2(WRITE_AFTER_END) t c1(WRITE_AFTER_END)" },
  [25] = { "destroy() of an idle stream, write(x)",
    act = function(ws, log, write)
      ws:destroy()
      write(ws, "x", log.cb "cb")
    end,
    log = "false | close cb(DESTROYED) t" },
  [26] = { "destroy(D) of an idle stream",
    act = function(ws) ws:destroy("D") end,
    log = "| error(D) close t" },
  [27] = { "a in the sink, b queued, end_(e), destroy(D)",
    act = function(ws, log)
      ws:write("a", log.cb "a")
      ws:write("b", log.cb "b")
      ws:end_(log.cb "e")
      ws:destroy("D")
    end,
    later = function(_, _, sink) sink.answer() end,
    log = "write(a) | error(D) close t a b(D) e(D)" },
  [28] = { "destroy(D) with the first write corked",
    act = function(ws, log)
      ws:cork()
      ws:write("a", log.cb "a")
      ws:destroy("D")
    end,
    log = "| a(D) error(D) close t" },
  [29] = { "end_(e), destroy(D)",
    act = function(ws, log)
      ws:end_(log.cb "e")
      ws:destroy("D")
    end,
    log = "prefinish | e(D) error(D) close t" },
  [30] = { "end_(e) with a final that answers at once, destroy() (mended: no finish, Q-08, X-025)",
    options = { final = "now" },
    act = function(ws, log)
      ws:end_(log.cb "e")
      ws:destroy()
    end,
    log = "final prefinish | e(DESTROYED) close t" },
  [31] = { "two answers at once to one write",
    options = { write = function(_, _, done)
      done()
      done()
    end },
    act = function(ws, log) ws:write("a", log.cb "cb") end,
    log = "| cb error(MULTIPLE_CALLBACK) close t" },
  [32] = { "construct answers late; write(a), write(b), end_(e); writev",
    options = { construct = "later", write = "now", writev = true, final = "now" },
    act = function(ws, log)
      ws:write("a", log.cb "a")
      ws:write("b")
      ws:end_(log.cb "e")
    end,
    later = function(_, _, sink) sink.answer_construct() end,
    log = "| construct t writev(a,b) final prefinish a e finish close" },
  [33] = { "construct fails",
    options = { construct = "now:C", destroy = "now" },
    act = function(ws, log)
      ws:write("a", log.cb "a")
      ws:end_(log.cb "e")
    end,
    log = "| construct t destroy(C) a(C) e(C) error(C) close" },
  [34] = { "construct answers late; write(a), end_(e), destroy(D)",
    options = { construct = "later", destroy = "now" },
    act = function(ws, log)
      ws:write("a", log.cb "a")
      ws:end_(log.cb "e")
      ws:destroy("D")
    end,
    later = function(_, _, sink) sink.answer_construct() end,
    log = "| construct a(D) e(D) t destroy(D) error(D) close" },
  [35] = { "construct answers at once; a tick queued after the stream was made",
    options = { construct = "now", write = "now" },
    act = function(ws, log) ws:write("a", log.cb "a") end,
    log = "| construct t write(a) a" },
  [36] = { "destroy(U) without a listener of `error` (mended: close comes, Q-12)",
    act = function(ws)
      ws:remove_all_listeners("error")
      ws:destroy("U")
    end,
    raises = "U",
    log = "| close t" },
  [37] = { "end_() inside the callback of a write",
    options = { write = "now" },
    act = function(ws, log)
      ws:write("a", function()
        log.add("cb")
        ws:end_(log.cb "e")
      end)
    end,
    log = "write(a) | cb prefinish t e finish close" },
  [38] = { "end_(e) inside the sink, which then answers at once",
    options = { write = function(self, _, done)
      self:emit("inside the sink")
      done()
    end },
    act = function(ws, log)
      ws:on("inside the sink", function() ws:end_(log.cb "e") end)
      ws:write("a", log.cb "cb")
    end,
    log = "| cb prefinish t e finish close" },
}

describe("the log of", function()
  before_each(support.settle)

  for number, case in ipairs(logs) do
    it(("%s [log %d]"):format(case[1], number), function()
      local ws, log, sink = support.stream(case.options)
      case.act(ws, log, writes(log))
      log.add("|")
      log.tick "t"
      local ok, raised = pcall(support.run)
      assert.equal(case.raises == nil, ok)
      if case.raises then
        assert.matches(case.raises, tostring(raised))
        support.run()
      end
      if case.later then
        case.later(ws, log, sink)
        support.run()
      end
      assert.equal(case.log, log.take())
    end)
  end
end)
