-- busted's own plain output, and after it the closing line "N passed, N failed".
return function(options)
  local busted = require "busted"
  local output = require "busted.outputHandlers.plainTerminal"(options)

  busted.subscribe({ "exit" }, function()
    local failed = output.failuresCount + output.errorsCount
    io.write(("%d passed, %d failed\n"):format(output.successesCount, failed))
    io.flush()
    -- busted's own way out raises on Lua 5.1 and 5.2, which ends the output with "nil".
    if failed > 0 then os.exit(1, true) end
    return nil, true
  end)

  return output
end
