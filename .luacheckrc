-- What all five Luas share, and what only some have: that is asked for before it is used.
std = "min"
read_globals = {
  "jit", "loadstring", "setfenv", "unpack",
  table = { fields = { "unpack" } },
  coroutine = { fields = { "close", "isyieldable" } },
}
max_line_length = 100
max_cyclomatic_complexity = 12
exclude_files = { "spec/oracle/golden" }

-- busted's words
files["spec"] = { std = "+busted" }
-- it makes busted's command line
files["spec/run.lua"] = { globals = { "arg" } }
-- declarations: nobody calls them
files["lua/weir/types*.lua"] = { ignore = { "212", "241" }, max_line_length = false }
