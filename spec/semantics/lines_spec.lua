-- weir.lines: bytes in, lines out, wherever the bytes were cut.
local weir = require "weir"
local rounds = require "spec.support.rounds"

-- Writes the chunks into a splitter. Returns the lines, between brackets.
local function split(...)
  local lines, got = weir.lines(), {}
  lines:on("data", function(line) got[#got + 1] = "[" .. line .. "]" end)
  for _, chunk in ipairs { ... } do lines:write(chunk) end
  lines:end_()
  weir.run()
  assert.is_true(lines:readable_ended() and lines:closed())
  return table.concat(got)
end

local function each_byte(text)
  local bytes = {}
  for i = 1, #text do bytes[i] = text:sub(i, i) end
  return (unpack or table.unpack)(bytes)
end

describe("lines", function()
  it("end at LF, and at CR LF, which are no part of them", function()
    assert.equal("[one][two][three]", split "one\ntwo\r\nthree\n")
  end)

  it("may be empty", function()
    assert.equal("[][][a][]", split "\n\r\na\n\n")
    assert.equal("", split "")
    assert.equal("", split())
  end)

  it("need no end when they are the last", function()
    assert.equal("[one][two]", split "one\ntwo")
    assert.equal("[one]", split "one\n")
    assert.equal("[one]", split "one")
  end)

  it("keep a CR that no LF follows, and all other bytes", function()
    assert.equal("[a\rb][c\r][\0\255][d\r]", split "a\rb\nc\r\r\n\0\255\nd\r")
  end)

  it("are the same wherever the chunks are cut", function()
    local text = "one\r\n\r\ntwo\n\nthree\rfour\r\nend"
    local whole = split(text)
    assert.equal("[one][][two][][three\rfour][end]", whole)
    assert.equal(whole, split(each_byte(text)))
    for i = 1, #text - 1 do assert.equal(whole, split(text:sub(1, i), text:sub(i + 1))) end
  end)

  it("are strings, one for each event, and the splitter holds no more than its mark", function()
    local lines = weir.lines { readable_high_water_mark = 4 }
    assert.is_true(lines:readable_object_mode())
    assert.is_false(lines:writable_object_mode())
    lines:write "1\n2\n3\n4\n5\n"
    weir.run "nowait"
    assert.equal(5, lines:readable_length()) -- what came of one chunk
    lines:write "6\n"
    weir.run "nowait"
    assert.equal(5, lines:readable_length())
    for i = 1, 5 do assert.equal(tostring(i), lines:read()) end
    weir.run "nowait"
    assert.equal("6", lines:read())
    lines:destroy()
    weir.run()
  end)

  it("of any length cost what their length is", function()
    local chunk, total = ("x"):rep(1000), rounds(10000, 40)
    local lines, size, count = weir.lines(), 0, total
    lines:on("data", function(line) size = size + #line end)
    local function write_more()
      while count > 0 do
        count = count - 1
        if not lines:write(chunk) then return lines:once("drain", write_more) end
      end
      lines:end_ "\n"
    end
    write_more()
    weir.run()
    assert.equal(1000 * total, size)
  end)

  it("stop when the stream is destroyed", function()
    local lines, got = weir.lines(), {}
    lines:on("data", function(line)
      got[#got + 1] = line
      lines:destroy()
    end)
    lines:write "1\n2\n3\n"
    weir.run()
    assert.equal("1", table.concat(got))
  end)

  it("take options for their marks, and no others", function()
    local ok, err = pcall(weir.lines, { object_mode = true })
    assert.is_false(ok)
    assert.matches("bad argument #1 to 'lines' %(unknown option \"object_mode\"", err)
    ok, err = pcall(weir.lines, { low_water_mark = 20000 })
    assert.is_false(ok)
    assert.matches("bad argument #1 to 'lines' %(option 'low_water_mark' must be below", err)
    local lines = weir.lines { high_water_mark = 7 }
    assert.equal(7, lines:writable_high_water_mark())
    lines:destroy()
    weir.run()
  end)
end)
