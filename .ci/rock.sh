#!/bin/sh
# Builds the rock for Lua 5.1 to 5.4 where they are, each into a tree of its own under $1, and checks
# from another directory that `require "weir"` finds it. LuaJIT takes the tree of 5.1.
# LuaRocks compiles beside the sources, so it works on a copy of the checkout.
set -u

place=${1:-build/rock}
rm -rf "$place" && mkdir -p "$place/checkout" || exit 1
cp -R src lua examples ./*.rockspec LICENSE "$place/checkout" || exit 1
place=$(cd "$place" && pwd)

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

make_rock() { # version
  cd "$place/checkout" && luarocks --lua-version "$1" make --tree "$place/$1" weir-scm-1.rockspec
}

require_weir() { # interpreter, version
  cd / && eval "$(luarocks --lua-version "$2" path --tree "$place/$2")" &&
    "$1" -e 'local weir = require "weir"
      print(_VERSION, jit and jit.version or "", package.loaded["weir.core"], weir)'
}

# In a subshell, so that neither the directory nor the paths stay.
in_subshell() { ("$@"); }

check "luarocks lint" luarocks lint weir-scm-1.rockspec
for version in 5.1 5.2 5.3 5.4; do
  command -v lua$version >/dev/null || continue
  check "luarocks make, Lua $version" in_subshell make_rock $version
  check "require, lua$version" in_subshell require_weir lua$version $version
  if [ $version = 5.1 ] && command -v luajit >/dev/null; then
    check "require, luajit with the rock of 5.1" in_subshell require_weir luajit 5.1
  fi
done

echo "$passed passed, $failed failed"
[ $failed = 0 ]
