-- The larger examples, as spec/examples_spec.lua has the small ones.
local examples = require "spec.support.examples"

local read_file, output_of = examples.read_file, examples.output_of
local run, run_command = examples.run, examples.run_command
local command_for, files_left = examples.command_for, examples.files_left

-- Four digits of a port, others in each process and at each call.
local ports = 0
local function a_port()
  ports = ports + 1
  return 1000 + (tonumber(output_of "echo $$") * 7 + ports * 997) % 8999
end

describe("the example", function()
  before_each(examples.begin)
  after_each(examples.done)

  describe("csv_export.lua", function()
    it("writes every row, quoted where it has to be, with the marks' memory", function()
      local out = run("csv_export.lua", "kept.csv", "20000")
      assert.matches("^20000 rows, 441910 bytes, never more than %d+ bytes in memory\n$", out)
      assert.is_true(tonumber(out:match "than (%d+)") < 16384 + 64)
      local content = read_file(examples.directory() .. "/kept.csv")
      assert.equal("id,name,amount\r\n1,Grace,0.25\r\n2,\"Edsger, W.\",0.50\r\n"
        .. "3,\"Barbara \"\"B\"\"\",0.75\r\n4,Ada,1.00\r\n", content:sub(1, 87))
      assert.equal(20001, select(2, content:gsub("\r\n", "")))
      assert.equal("kept.csv", files_left())
    end)

    it("says why it failed, and leaves no half of a file", function()
      local _, code, err = run_command(command_for("csv_export.lua", "no/folder/x.csv", "10"))
      assert.equal(1, code)
      assert.matches("^the export failed: ENOENT: ", err)
    end)
  end)

  it("progress_bar.lua copies a file and shows how far it is", function()
    local out, code, err = run_command(command_for "progress_bar.lua")
    assert.equal(0, code)
    assert.equal("2288895 bytes copied\n", out)
    assert.matches("\r%[#+%-*%] %d+ %%", err)
    assert.matches("\r%[" .. ("#"):rep(40) .. "%] 100 %%\n$", err)
    assert.equal("", files_left())
  end)

  it("log_shipper.lua loses no line, whenever the peer hangs up", function()
    assert.equal("2000 lines confirmed, 2000 arrived, 3 reconnects\n", run "log_shipper.lua")
    assert.equal("", files_left())
  end)

  it("log_shipper.lua ships standard input to a redis server", function()
    if output_of "command -v redis-server && command -v redis-cli":find "cli" == nil then
      pending "there is no redis here"
    end
    -- A port that is free now: somebody else may be faster, so it is tried again.
    local out = run_command(([[
      for port in 2%d 3%d 4%d; do
        redis-server --port $port --bind 127.0.0.1 --dir . --save '' > log & server=$!
        for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
          kill -0 $server 2> /dev/null || continue 2
          redis-cli -p $port ping > /dev/null 2>&1 && break; sleep 0.1
        done
        seq 1 1000 | %s
        echo $(redis-cli -p $port lrange log 0 -1 | cksum) $(seq 1 1000 | cksum)
        redis-cli -p $port shutdown nosave > /dev/null 2>&1; wait $server; break
      done; rm -f log]]):format(a_port(), a_port(), a_port(),
      command_for("log_shipper.lua", "127.0.0.1", "$port"):gsub("'%$port'", '"$port"')))
    local sum, size, expected_sum, expected_size = out:match "(%d+) (%d+) (%d+) (%d+)"
    assert.equal(expected_sum, sum)
    assert.equal(expected_size, size)
    assert.equal("", files_left())
  end)

  it("download_server.lua sends a file, and says what is not there", function()
    assert.equal("HTTP/1.0 200 OK\tall of it\nHTTP/1.0 404 Not Found\n", run "download_server.lua")
    assert.equal("", files_left())
  end)

  it("upload_stdin.lua sends all that comes in", function()
    local command = "head -c 3000000 /dev/zero | " .. command_for "upload_stdin.lua"
    local out, code = run_command(command)
    assert.equal(0, code)
    assert.matches("3000000 bytes uploaded\n", out)
    assert.matches("3000000 bytes arrived\n", out)
  end)

  it("backpressure_top.lua shows who holds more than its mark", function()
    local out = run("backpressure_top.lua", "0.3", "10")
    local heeding, ignoring = 0, 0
    for name, held in out:gmatch "(%l%l[%l%d ]-) +[#| ]+ +(%d+)" do
      if name == "false ignored" then ignoring = math.max(ignoring, tonumber(held)) end
      if name == "slow network" then heeding = math.max(heeding, tonumber(held)) end
    end
    assert.is_true(heeding > 0 and heeding <= 16000, heeding)
    assert.is_true(ignoring > 16000, ignoring)
    assert.equal("", files_left())
  end)
end)
