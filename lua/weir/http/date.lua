--- Dates as HTTP writes them: "Wed, 25 Nov 2026 15:56:29 GMT", whatever the locale is.
local date = {}

local os_date, os_time = os.date, os.time

local DAYS = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" }
local MONTHS = {
  "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
}

--- The date of a time of os.time().
function date.format(time)
  local t = os_date("!*t", time)
  return ("%s, %02d %s %04d %02d:%02d:%02d GMT"):format(DAYS[t.wday], t.day, MONTHS[t.month],
    t.year, t.hour, t.min, t.sec)
end

local line, line_time

--- The header `Date` of now, made once in a second.
function date.line()
  local now = os_time()
  if now ~= line_time then
    line, line_time = ("Date: %s\r\n"):format(date.format(now)), now
  end
  return line
end

return date
