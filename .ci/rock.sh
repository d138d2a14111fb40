#!/bin/sh
# Builds the rock for Lua 5.1 to 5.4 where they are, each into a tree of its own under $1, and checks
# from another directory that `require "weir"` finds it; then the same for weir-zlib and what needs it.
# LuaJIT takes the tree of 5.1.
# LuaRocks compiles beside the sources, so it works on a copy of the checkout.
set -u

place=${1:-build/rock}
rm -rf "$place" && mkdir -p "$place/checkout" || exit 1
cp -R src lua examples ./*.rockspec LICENSE "$place/checkout" || exit 1
place=$(cd "$place" && pwd) top=$(pwd)

passed=0 failed=0
check() { # what it is, a command
  what=$1
  shift
  if "$@" >"$place/log" 2>&1; then
    echo "ok      $what"
    passed=$((passed + 1))
  else
    sed 's/^/  /' "$place/log"
    echo "FAILED  $what"
    failed=$((failed + 1))
  fi
}

make_rock() { # version, rockspec, options
  version=$1 rockspec=$2
  shift 2
  cd "$place/checkout" && luarocks --lua-version "$version" make --tree "$place/$version" "$@" "$rockspec"
}

require_weir() { # interpreter, version
  cd / && eval "$(luarocks --lua-version "$2" path --tree "$place/$2")" &&
    "$1" -e 'local weir = require "weir"
      print(_VERSION, jit and jit.version or "", package.loaded["weir.core"], weir)'
}

require_zlib() { # interpreter, version
  cd / && eval "$(luarocks --lua-version "$2" path --tree "$place/$2")" &&
    "$1" -e 'local zlib = require "weir.zlib"
      print(_VERSION, zlib.gzip(9), zlib.gunzip())'
}

# What it needs is the system's, or missing, and then it says so.
require_http() { # interpreter, version
  cd / && eval "$(luarocks --lua-version "$2" path --tree "$place/$2")" &&
    "$1" -e 'local found, http = pcall(require, "weir.http")
      print(_VERSION, found, http)
      assert(found or http:find "weir.http needs lpeg")'
}

has_zlib() { echo '#include <zlib.h>' | ${CC:-cc} -E -x c - >/dev/null 2>&1; }

# In a subshell, so that neither the directory nor the paths stay.
in_subshell() { ("$@"); }

weir=weir-scm-1.rockspec zlib=src/zlib/weir-zlib-scm-1.rockspec
http=lua/weir/http/weir-http-scm-1.rockspec

lua=$(command -v lua5.4 || command -v lua)
# As the release would have them: those that are there may list fewer files by now.
release_rockspecs() {
  cd "$place/checkout" && cp -R "$top/.ci" . && mkdir -p rockspecs && "$lua" .ci/rockspecs.lua
}
check "the rockspecs of the release" in_subshell release_rockspecs
for spec in "$place"/checkout/rockspecs/*.rockspec; do
  check "luarocks lint, ${spec##*/}" luarocks lint "$spec"
done
"$lua" .ci/rockspecs.lua check
check "luarocks lint" luarocks lint $weir
check "luarocks lint, weir-zlib" luarocks lint $zlib
check "luarocks lint, weir-http" luarocks lint $http
for version in 5.1 5.2 5.3 5.4; do
  command -v lua$version >/dev/null || continue
  luas=lua$version
  [ $version = 5.1 ] && command -v luajit >/dev/null && luas="$luas luajit"
  check "luarocks make, Lua $version" in_subshell make_rock $version $weir
  for lua in $luas; do check "require, $lua" in_subshell require_weir $lua $version; done
  # Of the network nothing is asked here.
  check "luarocks make weir-http, Lua $version" in_subshell make_rock $version $http --deps-mode none
  for lua in $luas; do check "require weir.http, $lua" in_subshell require_http $lua $version; done
  has_zlib || continue
  check "luarocks make weir-zlib, Lua $version" in_subshell make_rock $version $zlib
  for lua in $luas; do check "require weir.zlib, $lua" in_subshell require_zlib $lua $version; done
done

echo "$passed passed, $failed failed"
[ $failed = 0 ]
