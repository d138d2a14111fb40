-- The pages of README and docs: their code blocks, and the links between them. No spec of its own.
--
-- A block is marked behind its three backquotes:
--
--   lua           a program: it runs, must end well and write nothing to stderr; what the `output`
--                 block right behind it says is what it prints
--   lua 5.4       the same, on Lua 5.4 and later
--   lua fragment  is compiled, not run; so is a block of Lua that does not require weir
--   output, sh, c, text, ...  are for people
local pages = {}

function pages.list()
  local names = { "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md" }
  local pipe = assert(io.popen "ls docs/*.md")
  for name in pipe:lines() do names[#names + 1] = name end
  pipe:close()
  return names
end

-- The blocks of a page: { page, line, kind (the words behind the backquotes), text, output }.
function pages.blocks(page)
  local blocks, block, number = {}, nil, 0
  for line in io.lines(page) do
    number = number + 1
    local kind = line:match "^%s*```(.*)$"
    if kind and block then
      block.text = table.concat(block, "\n") .. "\n"
      block = nil
    elseif kind then
      block = { page = page, line = number, kind = kind }
      local before = blocks[#blocks]
      if kind == "output" and before then before.output = block end
      blocks[#blocks + 1] = block
    elseif block then
      block[#block + 1] = line
    end
  end
  assert(not block, page .. ": a block does not end")
  return blocks
end

-- As GitHub makes anchors of headings.
local function anchor(heading)
  local text = heading:lower():gsub("[%[%]`*]", ""):gsub("%(http[^)]*%)", "")
  return (text:gsub("[^%w _%-\128-\255]", ""):gsub(" ", "-"))
end

-- The anchors of a page.
function pages.anchors(page)
  local anchors, in_block = {}, false
  for line in io.lines(page) do
    if line:find "^%s*```" then in_block = not in_block end
    local heading = not in_block and line:match "^#+%s+(.-)%s*$"
    if heading then anchors[anchor(heading)] = true end
    for name in line:gmatch '<a name="([^"]+)"' do anchors[name] = true end
  end
  return anchors
end

-- Calls visit(target, line number) for each link that is not to the outside.
function pages.each_link(page, visit)
  local number, in_block = 0, false
  for line in io.lines(page) do
    number = number + 1
    if line:find "^%s*```" then in_block = not in_block end
    if not in_block then
      for target in line:gsub("`[^`]*`", ""):gmatch "%]%(([^)%s]+)%)" do
        if not target:find "^%a+:" then visit(target, number) end
      end
    end
  end
end

return pages
