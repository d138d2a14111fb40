#!/bin/sh
# The first hour of somebody who follows README and docs, in a scratch tree of LuaRocks: installs the
# release, runs the programs of the README from an empty folder, writes a file, joins streams, meets
# an error, looks at what is going on, packs the rock and installs it elsewhere.
#
#   sh spec/newcomer.sh [folder [version of Lua]...]     from the top of the checkout
#
# Nothing is asked of the network, nothing outside of the folder is touched.
set -u

place=${1:-build/newcomer}
[ $# = 0 ] || shift
[ $# != 0 ] || set -- 5.1 5.2 5.3 5.4
rm -rf "$place" && mkdir -p "$place/checkout" || exit 1
# LuaRocks compiles beside the sources, so it works on a copy of the checkout.
cp -R src lua examples spec docs .ci Makefile README.md CHANGELOG.md ARCHITECTURE.md CONTRIBUTING.md \
  LICENSE ./*.rockspec rockspecs "$place/checkout" || exit 1
place=$(cd "$place" && pwd)

passed=0 failed=0
check() { # what it is, a command
  what=$1
  shift
  if ("$@") >"$place/log" 2>&1; then
    echo "ok      $what"
    passed=$((passed + 1))
  else
    sed 's/^/  /' "$place/log"
    echo "FAILED  $what"
    failed=$((failed + 1))
  fi
}

# The release as it would be made now.
(cd "$place/checkout" && "$(command -v lua5.4 || command -v lua)" .ci/rockspecs.lua) >/dev/null || exit 1
rockspec=$(cd "$place/checkout" && ls rockspecs/weir-[0-9]*.rockspec)

rocks() { # the rest of a command of LuaRocks
  luarocks --lua-version "$version" --tree "$place/$version" "$@"
}

# --- the steps ---

install_it() { cd "$place/checkout" && rocks make "$rockspec"; }

use_it() { # the paths, and an empty folder
  eval "$(luarocks --lua-version "$version" --tree "${1:-$place/$version}" path)"
  rm -rf "$place/empty" && mkdir "$place/empty" && cd "$place/empty"
}

# The n-th program of a page, run as it stands, must print what it should.
program() { # page, n, what it prints
  use_it &&
    awk -v n="$2" '/^```lua( 5\.4)?$/ { inside = ++count == n; next } /^```/ { inside = 0 } inside' \
      "$place/checkout/$1" >program.lua &&
    [ -s program.lua ] && "$lua" program.lua >out && cat out &&
    [ -z "$3" ] || grep -qF "$3" out
}

types_are_there() { use_it && [ -f "$place/$version/share/lua/$version/weir/types.lua" ]; }

says() { # what it prints, a program
  use_it && "$lua" -e "$2" >out 2>&1
  cat out
  grep -qF "$1" out
}

pack_it() { cd "$place" && rm -f ./*.rock && rocks pack weir && ls ./weir-*.rock; }

install_packed() {
  cd "$place" && luarocks --lua-version "$version" --tree "$place/packed" install ./weir-*.rock &&
    use_it "$place/packed" && "$lua" -e 'print(require "weir"._VERSION)'
}

test_it() { cd "$place/checkout" && rocks test "$rockspec" spec/semantics/drain_spec.lua; }

hour() { # version of Lua, its interpreter
  version=$1 lua=$2
  check "$lua: luarocks make $rockspec" install_it
  check "$lua: the first program of the README" program README.md 1 "written	11888896"
  check "$lua: the one with a coroutine" program README.md 2 ""
  check "$lua: a file, from the guide" program docs/files.md 1 "finish	14"
  check "$lua: a pipeline, from the guide" program docs/composition.md 1 "1 4 9 16 25"
  check "$lua: an error says what and where" says \
    "ENOENT: no such file or directory, open '/no/such/folder/x'" \
    'local weir = require "weir"
     weir.create_write_stream("/no/such/folder/x"):on("error", print):write "lost"
     weir.run()'
  check "$lua: a misspelt option is told the right name" says "did you mean 'high_water_mark'?" \
    'require "weir".create_write_stream("x", { highWaterMark = 1 })'
  check "$lua: WEIR_DEBUG=1 tells who ignores false" env WEIR_DEBUG=1 sh -c \
    'eval "$(luarocks --lua-version "$1" --tree "$2" path)"; cd /tmp
     "$3" -e "local ws = require [[weir]].create_write_stream [[/dev/null]]
       for _ = 1, 50 do ws:write((\"x\"):rep(9999)) end" 2>&1 | grep "returned false"' \
    sh "$version" "$place/$version" "$lua"
  check "$lua: the types are installed" types_are_there
}

check "luarocks lint" luarocks lint "$rockspec"
for version in "$@"; do
  command -v "lua$version" >/dev/null || continue
  hour "$version" "lua$version"
  check "lua$version: luarocks test" test_it
  check "lua$version: luarocks pack" pack_it
  rm -rf "$place/packed"
  check "lua$version: the packed rock, elsewhere" install_packed
  if [ "$version" = 5.1 ] && command -v luajit >/dev/null; then
    lua=luajit
    check "luajit: the first program of the README" program README.md 1 "written	11888896"
  fi
done

echo "$passed passed, $failed failed"
[ $failed = 0 ]
