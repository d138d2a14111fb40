#!/bin/sh
# Installs what the build needs and this machine lacks: a C compiler with its headers, pkg-config,
# libuv, and the chosen Lua with its headers; and zlib's headers, without which all is built but
# weir.zlib; on Debian also what weir.http parses with. Says nothing where nothing is missing.
#
# `make setup` gives CC, LUA, LUAV (5.1 to 5.4, jit), LUA_INCDIR and UV_INCDIR.
# Root, or sudo that asks no password, installs; anybody else is shown the line to run.
set -eu

CC=${CC:-cc} LUA=${LUA:-lua5.4} LUAV=${LUAV:-5.4} LUA_INCDIR=${LUA_INCDIR:-} UV_INCDIR=${UV_INCDIR:-}

has() { command -v "$1" >/dev/null 2>&1; }

compiles() { # the compiler is there, and a standard header
  has "${CC%% *}" && echo '#include <stdlib.h>' | $CC -E -x c - >/dev/null 2>&1
}

knows_uv() { [ -n "$UV_INCDIR" ] || pkg-config --exists libuv 2>/dev/null; }

# Debian has lpeg_patterns in the folders of 5.1 and 5.2 only; weir.http finds it there.
knows_lpeg() {
  "$LUA" -e 'package.path = package.path .. ";" .. package.path:gsub("/5%.[2-4]/", "/5.1/")
    require "lpeg_patterns.http"' >/dev/null 2>&1
}

missing=""
compiles || missing="$missing compiler"
has pkg-config || missing="$missing pkg-config"
has "$LUA" || missing="$missing lua"
[ -e "$LUA_INCDIR/lua.h" ] || missing="$missing lua-headers"
knows_uv || missing="$missing libuv"
optional=""
echo '#include <zlib.h>' | $CC -E -x c - >/dev/null 2>&1 || optional=" zlib"
! has apt-get || knows_lpeg || optional="$optional lpeg"
[ -n "$missing$optional" ] || exit 0

if   has apt-get; then manager=apt
elif has dnf;     then manager=dnf
elif has apk;     then manager=apk
elif has brew;    then manager=brew
else manager=none
fi

# The packages for one missing thing. $compiler is clang where clang was asked for.
case $CC in *clang*) compiler=clang ;; *) compiler=gcc ;; esac
packages() {
  case $manager:$1 in
    apt:compiler)      echo $compiler libc6-dev ;;
    apt:libuv)         echo libuv1-dev ;;
    apt:zlib)          echo zlib1g-dev ;;
    apt:lpeg)          echo lua-lpeg lua-lpeg-patterns ;;
    apt:lua)           case $LUAV in jit) echo luajit ;; *) echo "lua$LUAV" ;; esac ;;
    apt:lua-headers)   case $LUAV in
                         jit) echo libluajit-5.1-dev ;;
                         5.1) echo liblua5.1-0-dev ;;
                         *)   echo "liblua$LUAV-dev" ;;
                       esac ;;
    dnf:compiler)      echo $compiler ;;
    dnf:libuv)         echo libuv-devel ;;
    dnf:zlib)          echo zlib-devel ;;
    dnf:pkg-config)    echo pkgconf-pkg-config ;;
    dnf:lua)           case $LUAV in jit) echo luajit ;; 5.1) echo compat-lua ;; *) echo lua ;; esac ;;
    dnf:lua-headers)   case $LUAV in
                         jit) echo luajit-devel ;;
                         5.1) echo compat-lua-devel ;;
                         *)   echo lua-devel ;;
                       esac ;;
    apk:compiler)      echo $compiler musl-dev ;;
    apk:libuv)         echo libuv-dev ;;
    apk:zlib)          echo zlib-dev ;;
    apk:pkg-config)    echo pkgconf ;;
    apk:lua)           case $LUAV in jit) echo luajit ;; *) echo "lua$LUAV" ;; esac ;;
    apk:lua-headers)   case $LUAV in jit) echo luajit-dev ;; *) echo "lua$LUAV-dev" ;; esac ;;
    brew:compiler)     echo gcc ;;
    brew:lua|brew:lua-headers)
                       case $LUAV in jit) echo luajit ;; 5.4) echo lua ;; *) echo "lua@$LUAV" ;; esac ;;
    *)                 echo "$1" ;;
  esac
}

wanted=""
for thing in $missing $optional; do wanted="$wanted $(packages "$thing")"; done

echo "weir: missing:$missing$optional"
case $manager in
  apt)  before="apt-get update -qq" install="apt-get install -y --no-install-recommends$wanted" ;;
  dnf)  before="" install="dnf install -y$wanted" ;;
  apk)  before="" install="apk add --no-cache$wanted" ;;
  brew) before="" install="brew install$wanted" ;;
  none) [ -n "$missing" ] || exit 0
        echo "weir: install a C compiler, pkg-config, libuv and Lua, with headers, then run make again"
        exit 1 ;;
esac

if [ $manager = brew ]; then sudo=""          # brew refuses to run as root
elif [ "$(id -u)" = 0 ]; then sudo=""
elif has sudo && sudo -n true 2>/dev/null; then sudo="sudo "
elif [ -z "$missing" ]; then exit 0
else
  echo "weir: run this line, then make again:"
  echo "  ${before:+sudo $before && }sudo $install"
  exit 1
fi

# One question would stop an unattended installation for ever.
case $manager in apt) install="env DEBIAN_FRONTEND=noninteractive $install" ;; esac
install_all() { { [ -z "$before" ] || $sudo $before; } && $sudo $install; }
install_all || [ -z "$missing" ] # what is optional fails nobody
