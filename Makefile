# weir: build, specs and checks. `make help` lists the targets.
#
#   make test LUA=luajit     picks the Lua: lua5.1 lua5.2 lua5.3 lua5.4 luajit, or any other name
#   make V=1                 shows whole command lines
#
# src/core and src/sinks know no Lua: they are compiled once, into $(B)/obj. src/binding is compiled
# once for each Lua, into $(B)/<lua>/obj. The module is $(B)/<lua>/weir/core.so; <lua> is 5.1 to 5.4
# or jit. Where there is a zlib.h, $(B)/<lua>/weir/zlib.so is made of src/zlib; ZLIB=no does without.

B      := build
PREFIX ?= /usr/local
CFLAGS ?= -O2 -g
SYSTEM := $(shell uname -s)
Q      := $(if $(V),,@)
comma  := ,

MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := build

# --- which Lua -------------------------------------------------------------------------------------

on_path   = $(if $(shell command -v $(1) 2>/dev/null),$(1))
LUA_NAMES := lua5.4 lua-5.4 lua54 lua5.3 lua-5.3 lua53 lua luajit lua5.1 lua-5.1 lua51 lua5.2
ALL_LUAS  := $(foreach l,lua5.1 lua5.2 lua5.3 lua5.4 luajit,$(call on_path,$(l)))

ifndef LUA
LUA := $(or $(firstword $(foreach l,$(LUA_NAMES),$(call on_path,$(l)))),lua5.4)
endif
# Asked of the interpreter; read off its name where it is not installed yet.
LUAV := $(or $(shell $(LUA) -e 'io.write(jit and "jit" or _VERSION:match("%d%.%d"))' 2>/dev/null),\
  $(if $(findstring jit,$(LUA)),jit),\
  $(firstword $(foreach v,5.1 5.2 5.3,$(if $(or $(findstring $(v),$(LUA)),\
    $(findstring $(subst .,,$(v)),$(LUA))),$(v)))),\
  5.4)
LUAV   := $(strip $(LUAV))
LUAABI := $(if $(filter jit,$(LUAV)),5.1,$(LUAV))

# pkg-config knows Lua by many names; the bare one counts only if its version is the right one.
LUA_PC_NAMES := $(if $(filter jit,$(LUAV)),luajit,lua$(LUAV) lua-$(LUAV) lua$(subst .,,$(LUAV)))
LUA_PC := $(firstword \
  $(foreach p,$(LUA_PC_NAMES),$(shell pkg-config --exists $(p) 2>/dev/null && echo $(p))) \
  $(shell pkg-config --exists 'lua >= $(LUAABI)' 'lua < $(LUAABI).99' 2>/dev/null && echo lua))

# LUA_INCDIR, and UV_INCDIR with UV_LIBDIR, may be given; otherwise pkg-config is asked.
ifndef LUA_INCDIR
LUA_INCDIR := $(if $(LUA_PC),$(firstword \
  $(patsubst -I%,%,$(shell pkg-config --cflags-only-I $(LUA_PC))) \
  $(shell pkg-config --variable=includedir $(LUA_PC))))
endif
ifdef UV_INCDIR
UV_DIRS := $(UV_INCDIR)
UV_LIBS := $(if $(UV_LIBDIR),-L$(UV_LIBDIR)) -luv
else
UV_DIRS := $(patsubst -I%,%,$(shell pkg-config --cflags-only-I libuv 2>/dev/null))
UV_LIBS := $(or $(shell pkg-config --libs libuv 2>/dev/null),-luv)
endif
ifndef ZLIB
ZLIB := $(shell echo '\#include <zlib.h>' | $(CC) $(if $(ZLIB_INCDIR),-I$(ZLIB_INCDIR)) -E -x c - \
  >/dev/null 2>&1 && echo yes || echo no)
endif
ZLIB_LIBS := $(if $(ZLIB_LIBDIR),-L$(ZLIB_LIBDIR)) -lz $(if $(filter Linux,$(SYSTEM)),-ldl)

# --- flags -----------------------------------------------------------------------------------------

# Other people's headers are system headers: their warnings are not ours to mend.
system_dirs = $(addprefix -isystem ,$(filter-out /usr/include,$(1)))
UV_CFLAGS  := $(call system_dirs,$(UV_DIRS))
LUA_CFLAGS := $(call system_dirs,$(LUA_INCDIR))
ZLIB_CFLAGS := $(call system_dirs,$(ZLIB_INCDIR))

WARN := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wswitch-enum -Wstrict-prototypes \
  -Wmissing-prototypes -Wvla -Wundef
# An errant write shall end in an abort, not in an exploit, and LuaJIT shall be able to unwind.
# _FORTIFY_SOURCE needs the optimizer; some systems define it themselves, hence -U.
HARDEN := -fstack-protector-strong -fno-delete-null-pointer-checks -funwind-tables \
  $(if $(filter -O%,$(filter-out -O0,$(CFLAGS))),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
COMPILE = $(CC) -std=c11 -fPIC -fvisibility=hidden -pthread -Isrc $(WARN) $(HARDEN) $(CFLAGS)

# nodelete: a worker must not return into a module that lua_close has unmapped.
ifeq ($(SYSTEM),Darwin)
LINK_MODULE := -bundle -undefined dynamic_lookup
else
LINK_MODULE := -shared -Wl,-z,nodelete -Wl,-z,relro -Wl,-z,now
# The C specs can make an allocation fail, where the linker can put a function before malloc.
WRAPPED     := malloc calloc realloc aligned_alloc strdup strndup realpath free
WRAP_CFLAGS := -DSPEC_WRAPS_MALLOC
WRAP_LINK   := $(addprefix -Wl$(comma)--wrap=,$(WRAPPED))
endif
LIBS := $(UV_LIBS) $(if $(filter Linux,$(SYSTEM)),-ldl)

# --- the module ------------------------------------------------------------------------------------

objects      = $(patsubst src/%.c,$(1)/%.o,$(wildcard $(2)))
CORE_OBJ    := $(call objects,$(B)/obj,src/core/*.c)
SINKS_OBJ   := $(call objects,$(B)/obj,src/sinks/*.c)
BINDING_OBJ := $(call objects,$(B)/$(LUAV)/obj,src/binding/*.c)
MODULE      := $(B)/$(LUAV)/weir/core.so

# weir.zlib: of its files only the module knows Lua.
CODEC_OBJ   := $(if $(filter yes,$(ZLIB)),$(call objects,$(B)/obj,$(filter-out %/module.c,$(wildcard src/zlib/*.c))))
ZLIB_OBJ    := $(if $(filter yes,$(ZLIB)),$(CODEC_OBJ) $(B)/$(LUAV)/obj/zlib/module.o)
ZLIB_MODULE := $(if $(filter yes,$(ZLIB)),$(B)/$(LUAV)/weir/zlib.so)
MODULES     := $(MODULE) $(ZLIB_MODULE)

.PHONY: build
build: $(MODULES) ## compile the module, and weir.zlib where zlib is

$(MODULE): $(CORE_OBJ) $(SINKS_OBJ) $(BINDING_OBJ)
	@mkdir -p $(@D)
	@echo "  link  $@"
	$(Q)$(CC) $(CFLAGS) -pthread $(LINK_MODULE) $(LDFLAGS) -o $@ $^ $(LIBS)

$(B)/$(LUAV)/weir/zlib.so: $(ZLIB_OBJ)
	@mkdir -p $(@D)
	@echo "  link  $@"
	$(Q)$(CC) $(CFLAGS) $(LINK_MODULE) $(LDFLAGS) -o $@ $^ $(ZLIB_LIBS)

$(CODEC_OBJ): THEIR_CFLAGS = $(ZLIB_CFLAGS)
$(B)/obj/%.o: src/%.c $(B)/flags
	@mkdir -p $(@D)
	@echo "  cc    $<"
	$(Q)$(COMPILE) $(UV_CFLAGS) $(THEIR_CFLAGS) -MMD -MP -c $< -o $@

$(B)/$(LUAV)/obj/%.o: src/%.c $(B)/flags
	@mkdir -p $(@D)
	@echo "  cc    $<  ($(LUAV))"
	$(Q)$(COMPILE) $(UV_CFLAGS) $(LUA_CFLAGS) -MMD -MP -c $< -o $@

# Changes when the compiler or the flags do, so that no object of other flags is linked.
$(B)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(COMPILE)' | cmp -s - $@ || echo '$(COMPILE)' > $@
FORCE:

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# --- specs -----------------------------------------------------------------------------------------

# spec/support/*.c is linked into the C specs that use it; ndl.c is a library to preload.
PRELOADED   := spec/support/ndl.c
SUPPORT_OBJ := $(patsubst %.c,$(B)/%.o,$(filter-out $(PRELOADED),$(wildcard spec/support/*.c)))
SUPPORT     := $(B)/spec/support.a
CORE_SPECS  := $(patsubst %.c,$(B)/%,$(wildcard spec/core/*_spec.c))
SINKS_SPECS := $(patsubst %.c,$(B)/%,$(wildcard spec/sinks/*_spec.c))
ifeq ($(SYSTEM),Darwin)
SINKS_SPECS := $(filter-out %_faults_spec,$(SINKS_SPECS))
endif
ZLIB_SPECS  := $(if $(CODEC_OBJ),$(patsubst %.c,$(B)/%,$(wildcard spec/zlib/*_spec.c)))
C_SPECS     := $(CORE_SPECS) $(SINKS_SPECS) $(ZLIB_SPECS)

$(B)/spec/%.o: spec/%.c $(B)/flags
	@mkdir -p $(@D)
	@echo "  cc    $<"
	$(Q)$(COMPILE) $(WRAP_CFLAGS) $(SHIM_CFLAGS) -Ispec $(UV_CFLAGS) -MMD -MP -c $< -o $@

# Some C specs have the shim in them: system calls of ours fail as they say.
SHIM_OBJ     := $(patsubst %,$(B)/spec/support/preload/%.o,fault_shim fault_calls)
FAULTS_SPECS := $(filter %_faults_spec,$(SINKS_SPECS))
$(SHIM_OBJ): private SHIM_CFLAGS = -Wno-pedantic -Wno-shadow -Wno-missing-prototypes
$(FAULTS_SPECS): $(SHIM_OBJ)

# Programs that are the other end of a socket.
PEERS := $(patsubst spec/peers/%.c,$(B)/%,$(wildcard spec/peers/*.c))

$(PEERS): $(B)/%: $(B)/spec/peers/%.o
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^

# Made anew, so that a file that is gone leaves no member behind.
$(SUPPORT): $(SUPPORT_OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(CORE_SPECS): %: %.o $(CORE_OBJ) $(SUPPORT)
	$(Q)$(CC) $(CFLAGS) -pthread $(WRAP_LINK) $(LDFLAGS) -o $@ $^

$(SINKS_SPECS): %: %.o $(CORE_OBJ) $(SINKS_OBJ) $(SUPPORT)
	$(Q)$(CC) $(CFLAGS) -pthread $(WRAP_LINK) $(LDFLAGS) -o $@ $^ $(LIBS)

$(ZLIB_SPECS): %: %.o $(CORE_OBJ) $(CODEC_OBJ) $(SUPPORT)
	$(Q)$(CC) $(CFLAGS) -pthread $(WRAP_LINK) $(LDFLAGS) -o $@ $^ $(ZLIB_LIBS)

# tally.sh runs commands and ends with the sum of their closing lines. A spec that hangs is ended.
TALLY        = sh .ci/tally.sh
SPEC_SECONDS ?= 600
TALLY_SPECS  = SECONDS_EACH=$(SPEC_SECONDS) WEIR_BUILD=$(B) $(TALLY)
# SPECS=spec/some_spec.lua runs that file only.
LUA_SUITE    = $(LUA) spec/run.lua
# RUNNING stands before each C spec and each Lua: valgrind, for one.
C_SPEC_RUNS  = $(foreach s,$(C_SPECS),"$(strip $(RUNNING) $(s))")
LUA_SPEC_RUN = "$(strip $(RUNNING) $(LUA_SUITE) $(SPECS))"

.PHONY: test run-test test-all spec-c spec-lua
test: setup ## install what is missing, build, run all specs
	@$(MAKE) run-test

run-test: $(MODULES) $(C_SPECS) $(PEERS)
	@$(TALLY_SPECS) $(C_SPEC_RUNS) $(LUA_SPEC_RUN)

test-all: setup ## `make test` on each of lua5.1 to lua5.4 and luajit that is here
	@$(TALLY) $(foreach l,$(ALL_LUAS),"$(MAKE) -s test LUA=$(l)")

spec-c: $(C_SPECS) ## only the C specs
	@$(TALLY_SPECS) $(C_SPEC_RUNS)

spec-lua: $(MODULES) $(PEERS) ## only the Lua specs (SPECS=file ... for some of them)
	@$(TALLY_SPECS) $(LUA_SPEC_RUN)

# --- the same specs under tools (Linux) --------------------------------------------------------------
# SPEC_TOOL tells a spec that it runs many times slower than usual. They use the built-in runner:
# it brings no C modules of its own that could leak or be slow.

ASAN_CFLAGS := -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
  -fno-sanitize-recover=undefined
# LuaJIT's own heap is not searched for pointers, so what it holds would look leaked.
ASAN_ENV = ASAN_OPTIONS=allocator_may_return_null=1:detect_leaks=$(if $(filter jit,$(LUAV)),0,1) \
  UBSAN_OPTIONS=print_stacktrace=1 SPEC_TOOL=asan

.PHONY: asan run-asan
asan: ## all specs under AddressSanitizer and UBSan (gcc)
	@$(MAKE) B=$(B)/asan CC=gcc CFLAGS='$(ASAN_CFLAGS)' HARDEN= run-asan

# The interpreter is not instrumented: the runtime is preloaded, and a dlclose that does nothing,
# so that reports can name what is in the module.
run-asan: LUA_SUITE = env LD_PRELOAD='$(shell gcc -print-file-name=libasan.so) $(CURDIR)/$(B)/ndl.so' \
  $(LUA) spec/run.lua --mini
run-asan: $(MODULES) $(C_SPECS) $(PEERS) $(B)/ndl.so
	@$(ASAN_ENV) $(TALLY_SPECS) $(C_SPEC_RUNS) $(LUA_SPEC_RUN)

$(B)/ndl.so: spec/support/ndl.c
	@mkdir -p $(@D)
	$(Q)gcc -shared -fPIC -o $@ $<

TSAN_ENV = TSAN_OPTIONS=halt_on_error=0:exitcode=66:second_deadlock_stack=1 SPEC_TOOL=tsan

.PHONY: tsan run-tsan
tsan: ## all specs on lua5.4 under ThreadSanitizer (gcc)
	@$(MAKE) B=$(B)/tsan CC=gcc CFLAGS='-g -O1 -fno-omit-frame-pointer -fsanitize=thread' HARDEN= \
	  LUA=lua5.4 run-tsan

# The Lua specs whose scripts the house's own helpers start; TSAN_SPECS= picks others.
TSAN_LIBS   = $(shell gcc -print-file-name=libtsan.so) $(CURDIR)/$(B)/ndl.so
TSAN_SPECS ?= $(wildcard spec/semantics/*_spec.lua spec/sinks/file_*_spec.lua) \
  spec/sinks/run_spec.lua spec/sinks/lua_close_spec.lua spec/sinks/lua_states_spec.lua \
  spec/faults/callbacks_spec.lua spec/faults/bounds_spec.lua spec/embedding/threads_spec.lua
run-tsan: LUA_SUITE = env SPEC_PRELOAD='$(TSAN_LIBS)' LD_PRELOAD='$(TSAN_LIBS)' \
  $(LUA) spec/run.lua --mini $(TSAN_SPECS)
run-tsan: $(MODULES) $(C_SPECS) $(PEERS) $(B)/ndl.so
	@$(TSAN_ENV) $(TALLY_SPECS) $(C_SPEC_RUNS) $(LUA_SPEC_RUN)

.PHONY: valgrind run-valgrind valgrind-c
valgrind: ## all specs on lua5.4 under valgrind
	@$(MAKE) LUA=lua5.4 SPEC_SECONDS=1800 run-valgrind

# fair-sched: threads take turns here; without it a spinning one can keep the others from running.
run-valgrind valgrind-c: RUNNING = valgrind -q --leak-check=full --errors-for-leak-kinds=definite \
  --error-exitcode=9 --fair-sched=try
run-valgrind: LUA_SUITE = $(LUA) spec/run.lua --mini
run-valgrind: $(MODULES) $(C_SPECS) $(PEERS)
	@SPEC_TOOL=valgrind $(TALLY_SPECS) $(C_SPEC_RUNS) $(LUA_SPEC_RUN)

valgrind-c: $(C_SPECS) ## only the C specs under valgrind
	@SPEC_TOOL=valgrind $(TALLY_SPECS) $(C_SPEC_RUNS)

# --- fuzzing (clang) -----------------------------------------------------------------------------------

FUZZ_CFLAGS := -g -O2 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
  -fno-sanitize-recover=undefined
FUZZERS     := core readable
SECONDS     ?= 60

.PHONY: fuzz run-fuzz
fuzz: ## libFuzzer on both sides of src/core, SECONDS=60 each; every allocation may fail
	@echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' \
	  | clang -fsanitize=fuzzer -x c - -o /dev/null 2> /dev/null \
	  || { echo "skipped: clang with libFuzzer is not here"; exit 0; }; \
	$(MAKE) B=$(B)/fuzz CC=clang CFLAGS='$(FUZZ_CFLAGS)' HARDEN= run-fuzz

# What they find goes into $(B)/corpus; the committed corpus stays as it is.
run-fuzz: $(foreach f,$(FUZZERS),$(B)/$(f)_fuzz)
	@for f in $(FUZZERS); do \
	  mkdir -p $(B)/corpus/$$f && \
	  $(B)/$${f}_fuzz -max_total_time=$(SECONDS) -max_len=2048 -print_final_stats=1 \
	    -artifact_prefix=$(B)/ -verbosity=1 $(B)/corpus/$$f spec/fuzz/corpus/$$f || exit 1; \
	done

$(B)/%_fuzz: $(B)/spec/fuzz/%_fuzz.o $(CORE_OBJ) $(SUPPORT)
	$(Q)$(CC) $(CFLAGS) -fsanitize=fuzzer -pthread $(WRAP_LINK) $(LDFLAGS) -o $@ $^

ABUSE_ROUNDS ?= 2000
ABUSE_SEED   ?= 1

.PHONY: fuzz-lua run-fuzz-lua
fuzz-lua: ## abuse of the public API under ASan on each Lua: ABUSE_ROUNDS=2000 ABUSE_SEED=1
	@for lua in $(ALL_LUAS); do \
	  $(MAKE) B=$(B)/asan CC=gcc CFLAGS='$(ASAN_CFLAGS)' HARDEN= LUA=$$lua run-fuzz-lua || exit 1; \
	done

run-fuzz-lua: $(MODULE) $(B)/ndl.so
	@folder=$$(mktemp -d) && echo "$(LUA):" && $(ASAN_ENV) WEIR_BUILD=$(B) \
	  LD_PRELOAD='$(shell gcc -print-file-name=libasan.so) $(CURDIR)/$(B)/ndl.so' \
	  $(LUA) spec/fuzz/abuse.lua $(ABUSE_SEED) $(ABUSE_ROUNDS) $$folder; \
	  code=$$?; rm -rf $$folder; exit $$code

# --- torture: a host in which one thing after the other fails -----------------------------------------
# The module's allocations, and libuv's, are those of the host; its system calls go through the shim.

LUA_LIBS = $(shell pkg-config --libs $(LUA_PC) 2>/dev/null)
TORTURE  := $(B)/$(LUAV)/torture
TORTURE_MODULE := $(B)/tortured/$(LUAV)/weir/core.so
TORTURE_SRC := spec/torture/host.c spec/torture/plan.c spec/torture/uv_alloc.c spec/torture/standard.c \
  spec/support/check.c spec/support/failing_alloc.c spec/support/preload/fault_shim.c \
  spec/support/preload/fault_calls.c
TORTURE_OBJ := $(patsubst %.c,$(B)/$(LUAV)/obj/%.o,$(TORTURE_SRC))
TORTURE_PEERS := $(patsubst $(B)/%,$(B)/tortured/%,$(PEERS))

.PHONY: torture run-torture
torture: ## each allocation and each system call fails in turn, under ASan; SHALLOW=40 tries some, SHARD=3/20 a part
	@$(MAKE) B=$(B)/asan CC=gcc CFLAGS='$(ASAN_CFLAGS)' HARDEN= run-torture

run-torture: $(TORTURE) $(TORTURE_MODULE) $(TORTURE_PEERS)
	@$(ASAN_ENV) SPEC_TOOL=torture WEIR_BUILD=$(B) $(LUA) spec/torture/run.lua $(TORTURE) $(TORTURE_MODULE)

$(TORTURE_MODULE): $(CORE_OBJ) $(SINKS_OBJ) $(BINDING_OBJ)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -pthread $(LINK_MODULE) $(WRAP_LINK) $(LDFLAGS) -o $@ $^ $(LIBS)

$(TORTURE_PEERS): $(B)/tortured/%: $(B)/%
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(TORTURE): $(TORTURE_OBJ)
	$(Q)$(CC) $(CFLAGS) -pthread -rdynamic $(WRAP_LINK) $(LDFLAGS) -o $@ $^ $(LUA_LIBS) $(LIBS) -ldl

$(B)/$(LUAV)/obj/spec/%.o: spec/%.c $(B)/flags
	@mkdir -p $(@D)
	@echo "  cc    $<  ($(LUAV))"
	$(Q)$(COMPILE) -fvisibility=default -Wno-pedantic -Wno-shadow -Wno-missing-prototypes $(WRAP_CFLAGS) -Ispec \
	  $(UV_CFLAGS) $(LUA_CFLAGS) -MMD -MP -c $< -o $@

.PHONY: faults
faults: $(MODULES) $(C_SPECS) $(PEERS) $(TORTURE) $(TORTURE_MODULE) ## the fault matrix, row by row; THOROUGH=1 takes its time
	@WEIR_BUILD=$(B) TORTURE='$(TORTURE) $(TORTURE_MODULE)' \
	  $(if $(THOROUGH),THOROUGH=1 KILLS=1000 CUTS=200) $(LUA) spec/faults/run.lua $(ROWS)

.PHONY: coverage run-coverage
coverage: ## lines and branches of src/core that the C specs reach (gcov)
	@$(MAKE) B=$(B)/coverage CC=gcc CFLAGS='--coverage -O0 -g' HARDEN= run-coverage

# The counts of earlier runs would be added to.
run-coverage: $(C_SPECS)
	@find $(B) -name '*.gcda' -exec rm {} +
	@$(TALLY_SPECS) $(C_SPEC_RUNS) || echo "counted all the same:"
	@gcov --branch-probabilities --branch-counts --stdout $(CORE_OBJ) $(C_SPECS:=.o) \
	  | awk -f .ci/coverage.awk

# Each Lua has objects of its own of src/binding; what they reached is merged. SPEC_TOOL keeps the specs
# from building anything in the same place with other flags. Threads count too, hence atomic.
COVERED_LUAS  ?= $(foreach l,lua5.4 luajit lua5.1,$(call on_path,$(l)))
COVERAGE_FLAGS := --coverage -fprofile-update=atomic -O0 -g
COVERED_SUITE = env SPEC_TOOL=gcov $(LUA) spec/run.lua --mini $(SPECS)

.PHONY: coverage-all run-coverage-lua run-coverage-all
coverage-all: ## the same of core, sinks and binding: all specs on three Luas, some torture, some abuse
	@find $(B)/coverage -name '*.gcda' -exec rm {} + 2> /dev/null || true
	@for lua in $(COVERED_LUAS); do \
	  $(MAKE) B=$(B)/coverage CC=gcc CFLAGS='$(COVERAGE_FLAGS)' HARDEN= LUA=$$lua \
	    C_SPEC_RUNS_ONCE=$$([ $$lua = $(firstword $(COVERED_LUAS)) ] && echo yes) run-coverage-lua; \
	done
	@$(MAKE) B=$(B)/coverage CC=gcc CFLAGS='$(COVERAGE_FLAGS)' HARDEN= run-coverage-all

run-coverage-lua: $(MODULES) $(C_SPECS) $(PEERS) $(TORTURE) $(TORTURE_MODULE)
	@$(TALLY_SPECS) $(if $(C_SPEC_RUNS_ONCE),$(C_SPEC_RUNS)) "$(COVERED_SUITE)" \
	  "env SHALLOW=12 $(LUA) spec/torture/run.lua $(TORTURE) $(TORTURE_MODULE)" \
	  || echo "counted all the same:"

run-coverage-all:
	@for folder in core sinks binding; do \
	  gcov --branch-probabilities --branch-counts --stdout \
	    $$(find $(B)/obj/core $(B)/obj/sinks $(B)/*/obj/binding $(B)/spec -name '*.o') \
	    | awk -v folder=$$folder -f .ci/coverage.awk; \
	done

# --- checks of the code itself -----------------------------------------------------------------------

C_FILES = $(shell find src spec examples -name '*.[ch]')
LINTED  = $(wildcard lua spec examples bench .luacheckrc)

.PHONY: warnings objects lint tidy fmt fmt-check
warnings: ## compile everything with gcc and clang for each Lua, all warnings being errors
	@for cc in gcc clang; do \
	  command -v $$cc > /dev/null || { echo "$$cc is not here: skipped"; continue; }; \
	  for lua in $(ALL_LUAS); do \
	    echo "$$cc, $$lua"; \
	    $(MAKE) -s B=$(B)/warnings/$$cc CC=$$cc CFLAGS='-O2 -Werror' LUA=$$lua objects || exit 1; \
	  done; \
	done; rm -rf $(B)/warnings

objects: $(CORE_OBJ) $(SINKS_OBJ) $(BINDING_OBJ) $(ZLIB_OBJ) $(SUPPORT_OBJ) $(C_SPECS:=.o)

lint: ## luacheck
	luacheck -q --no-color $(LINTED)

tidy: ## clang-tidy, with the checks of .clang-tidy
	clang-tidy --quiet $(wildcard src/*/*.c) -- -std=c11 -Isrc $(UV_CFLAGS) $(LUA_CFLAGS)

fmt: ## format the C files as .clang-format says
	clang-format -i $(C_FILES)

fmt-check: ## say which C files are not formatted
	clang-format --dry-run --Werror $(C_FILES)

# --- the oracle: traces of Node ----------------------------------------------------------------------

ORACLE      := spec/oracle
SEED        ?= 1
COUNT       ?= 2000
WRITABLE    := core full reentrant
COMPOSED    := paused pipe pipeline faults fanout handlers
PROFILE     ?= $(WRITABLE) $(COMPOSED)
GOLDEN_SEED := 20
RUN_ENV      = LUA_PATH="./?.lua;./lua/?.lua;./lua/?/init.lua;;" LUA_CPATH="./$(B)/$(LUAV)/?.so;;"

# Of profile $$p, in the loops below.
generator    = $$(case " $(WRITABLE) " in *" $$p "*) echo $(ORACLE)/gen.js;; *) echo $(ORACLE)/gen_pipe.js;; esac)

.PHONY: oracle oracle-golden
oracle: $(MODULE) ## new random programs, in Node and here: SEED= COUNT= PROFILE="core pipe ..."
	@command -v node > /dev/null || \
	  { echo "no node here; the programs it has run before: make spec-lua SPECS=$(ORACLE)/golden_spec.lua"; exit 1; }
	@mkdir -p $(B)/oracle
	@for p in $(PROFILE); do \
	  node $(generator) --seed $(SEED) --count $(COUNT) --profile $$p --out $(B)/oracle/$$p \
	    && $(RUN_ENV) $(LUA) $(ORACLE)/run.lua $(B)/oracle/$$p || exit 1; \
	done

oracle-golden: ## write the committed programs and traces anew (needs Node 20)
	@for p in $(WRITABLE) $(COMPOSED); do \
	  case " $(WRITABLE) " in *" $$p "*) count=800;; *) count=300;; esac; \
	  node $(generator) --seed $(GOLDEN_SEED) --count $$count --profile $$p --short \
	    --out $(ORACLE)/golden/$$p || exit 1; \
	done

# --- documentation -----------------------------------------------------------------------------------

.PHONY: docs docs-check picture
docs: ## the reference, from the types: build/docs/reference.md, and index.html where ldoc is
	@mkdir -p $(B)/docs $(B)/ldoc
	@$(LUA) docs/reference.lua markdown $(B)/docs/reference.md
	@$(LUA) docs/reference.lua ldoc $(B)/ldoc/weir.lua
	@if command -v ldoc > /dev/null; then ldoc --fatalwarnings -q -p weir -d $(B)/docs $(B)/ldoc/weir.lua; \
	else echo "there is no ldoc: no HTML"; fi

docs-check: docs $(MODULES) ## run the code blocks of README and docs, follow their links, miss no entry
	@$(MAKE) -s spec-lua SPECS="spec/docs_spec.lua spec/types_spec.lua"
	@$(LUA) docs/check.lua $(B)/docs

picture: $(MODULE) ## draw docs/backpressure.svg anew, from a run
	@$(RUN_ENV) $(LUA) docs/picture.lua docs/backpressure.svg

# --- benchmarks --------------------------------------------------------------------------------------

ROUNDS ?= 5
SCALE  ?= 1
BENCH_LUAS = $(foreach l,lua5.4 luajit,$(call on_path,$(l)))

.PHONY: bench bench-micro bench-growth bench-http bench-modules
bench: bench-modules $(B)/bench/sink ## weir beside what else is here: ROUNDS=5 SCALE=1; draws bench/results.svg
	@$(RUN_ENV) $(LUA) bench/run.lua $(B) $(ROUNDS) $(SCALE)

bench-micro: bench-modules ## what a write costs, by form: time on each Lua, and instructions
	@for l in $(BENCH_LUAS); do $(MAKE) -s LUA=$$l run-bench-micro || exit 1; done
	@! command -v valgrind > /dev/null || lua5.4 bench/instructions.lua $(B)/5.4

run-bench-micro: $(MODULE)
	@$(RUN_ENV) $(LUA) bench/micro.lua

bench-growth: $(MODULE) ## the cost of a write, and of a stream, as there are more of them
	@$(RUN_ENV) $(LUA) bench/growth.lua

bench-http: bench-modules ## weir.http beside node's http: ROUNDS=5 BENCH_SECONDS=4
	@$(RUN_ENV) $(LUA) bench/http/run.lua $(B) $(ROUNDS) $(or $(BENCH_SECONDS),4)

bench-modules: $(MODULE)
	@for l in $(BENCH_LUAS); do $(MAKE) -s LUA=$$l build || exit 1; done

$(B)/bench/sink: bench/sink.c
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) $(CFLAGS) -o $@ $<

# --- use ---------------------------------------------------------------------------------------------

.PHONY: demo run-demo install rock rockspecs newcomer setup clean help
demo: setup ## install what is missing, build, write a million lines
	@$(MAKE) run-demo

run-demo: $(MODULES)
	@$(RUN_ENV) $(LUA) examples/million_lines.lua

LUA_FILES = $(shell cd lua && find weir -name '*.lua')
LIB_DIR   = $(DESTDIR)$(PREFIX)/lib/lua/$(LUAABI)
SHARE_DIR = $(DESTDIR)$(PREFIX)/share/lua/$(LUAABI)

# For programs in C: the same objects as a library, the header, and what pkg-config says about them.
PC_NAME := weir-$(if $(filter jit,$(LUAV)),luajit,lua$(LUAV))
STATIC  := $(B)/$(LUAV)/lib$(PC_NAME).a

.PHONY: static install-host
static: $(STATIC) ## a static library for programs in C

$(STATIC): $(CORE_OBJ) $(SINKS_OBJ) $(BINDING_OBJ)
	@mkdir -p $(@D)
	@echo "  ar    $@"
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(B)/$(LUAV)/$(PC_NAME).pc: $(B)/flags
	@mkdir -p $(@D)
	@printf '%s\n' 'prefix=$(PREFIX)' 'includedir=$${prefix}/include' 'libdir=$${prefix}/lib' '' \
	  'Name: $(PC_NAME)' 'Description: Writable streams for Lua, for programs in C' \
	  'URL: https://github.com/weir-lua/weir' 'Version: 0' 'Requires: libuv' \
	  'Cflags: -I$${includedir}' 'Libs: -L$${libdir} -l$(PC_NAME) -pthread$(if $(filter Linux,$(SYSTEM)), -ldl)' > $@

install-host: $(STATIC) src/weir.h
	@$(MAKE) -B $(B)/$(LUAV)/$(PC_NAME).pc
	install -d $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -m 644 src/weir.h $(DESTDIR)$(PREFIX)/include/weir.h
	install -m 644 $(STATIC) $(DESTDIR)$(PREFIX)/lib/
	install -m 644 $(B)/$(LUAV)/$(PC_NAME).pc $(DESTDIR)$(PREFIX)/lib/pkgconfig/

install: $(MODULES) install-host ## install under PREFIX=/usr/local: modules, library, header
	install -d $(LIB_DIR)/weir $(sort $(dir $(addprefix $(SHARE_DIR)/,$(LUA_FILES))))
	install -m 755 $(MODULES) $(LIB_DIR)/weir/
	for f in $(LUA_FILES); do install -m 644 lua/$$f $(SHARE_DIR)/$$f || exit 1; done

rock: ## luarocks make for each Lua, into a scratch tree, and a require from elsewhere
	@sh .ci/rock.sh $(B)/rock

rockspecs: ## write the rockspecs of the release anew, from those of the development
	@$(LUA) .ci/rockspecs.lua

newcomer: ## what a newcomer types, from the README, in a scratch tree of LuaRocks
	@sh spec/newcomer.sh $(B)/newcomer

setup: ## install what the build needs and this machine lacks
	@CC='$(CC)' LUA='$(LUA)' LUAV='$(LUAV)' LUA_INCDIR='$(LUA_INCDIR)' UV_INCDIR='$(UV_INCDIR)' \
	  sh .ci/setup.sh

clean: ## remove all that was built
	rm -rf $(B) weir
	find src -name '*.o' -exec rm {} +

help: ## this list
	@echo "usage: make [target] [LUA=$(LUA)]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' Makefile
