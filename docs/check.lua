-- Looks whether the pages that `make docs` has made miss anything that the types declare.
--
--   lua docs/check.lua build/docs
package.path = "./?.lua;" .. package.path
local reader = require "spec.support.types"

local folder = ...
local types, missing, pages = reader.read(), 0, 0

for _, page in ipairs { "reference.md", "index.html" } do
  local file = io.open(folder .. "/" .. page)
  local text = file and file:read "*a"
  if file then file:close() end
  for name in pairs(text and types.functions or {}) do
    if not text:find((name:gsub("^weir%.", "")), 1, true) then
      print(page .. " lacks " .. name)
      missing = missing + 1
    end
  end
  if text then pages = pages + 1 end
end
print(("%d pages of the reference, %d entries missing"):format(pages, missing))
os.exit(missing == 0 and pages > 0 and 0 or 1)
