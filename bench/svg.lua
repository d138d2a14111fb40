--- Draws the results as bars, one group for each workload: shorter is better.
local svg = {}

local WIDTH, LABEL, BAR, GAP, TITLE = 760, 210, 16, 4, 26
local COLOURS = { weir = "#2a78d6", other = "#a8a7a0" }

local function escape(text)
  return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

local function text(x, y, style, content)
  return ('<text x="%.0f" y="%d" %s>%s</text>'):format(x, y, style, escape(content))
end

local function slowest_of(workload)
  local slowest = 0
  for _, contender in ipairs(workload.contenders) do
    slowest = math.max(slowest, contender.seconds)
  end
  return slowest
end

-- Appends the bars of one workload from `y` on; returns where the next one begins.
local function draw_workload(parts, workload, y)
  parts[#parts + 1] = text(0, y + 16, 'font-weight="bold"', workload.title)
  y = y + TITLE
  local scale = (WIDTH - LABEL - 60) / slowest_of(workload)
  for _, contender in ipairs(workload.contenders) do
    local width = math.max(1, contender.seconds * scale)
    local colour = contender.name:find "^weir" and COLOURS.weir or COLOURS.other
    parts[#parts + 1] = text(LABEL - 8, y + 12, 'text-anchor="end"', contender.name)
    parts[#parts + 1] = ('<rect x="%d" y="%d" width="%.1f" height="%d" rx="2" fill="%s"/>'):format(
      LABEL, y, width, BAR, colour)
    parts[#parts + 1] = text(LABEL + width + 6, y + 12, "", ("%.3f s"):format(contender.seconds))
    y = y + BAR + GAP
  end
  return y + GAP * 3
end

--- The picture of workloads: { title =, contenders = { { name =, seconds = }, ... } }.
function svg.draw(workloads)
  local parts, y = {}, 10
  for _, workload in ipairs(workloads) do y = draw_workload(parts, workload, y) end
  local head = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="-10 0 %d %d" '
    .. 'font-family="sans-serif" font-size="12">\n<rect x="-10" width="100%%" height="100%%" '
    .. 'fill="#ffffff"/>\n<g fill="#333333">\n'):format(WIDTH + 20, y)
  return head .. table.concat(parts, "\n") .. "\n</g>\n</svg>\n"
end

return svg
