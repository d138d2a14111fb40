#!/bin/sh
# Runs each argument as a command line, one after the other, shows its output, and ends with the sum
# of their closing lines, "N passed, N failed". A crash, a time limit, no closing line at all, and a bad
# exit code where no failure was counted (a leak report, for one) count as one failure each.
#
#   SECONDS_EACH=600 sh .ci/tally.sh "lua5.4 spec/run.lua" build/spec/core/tick_spec
#
# SECONDS_EACH limits each command, where `timeout` is there to do it.
set -u

limit=""
if [ -n "${SECONDS_EACH:-}" ] && timeout -k 1 9 true 2>/dev/null; then
  limit="timeout -k 5 $SECONDS_EACH"
fi

place=$(mktemp -d) || exit 1
trap 'rm -rf "$place"' EXIT
trap 'exit 130' INT TERM

# Runs $1, shows its output meanwhile, and keeps it, and the exit code, in $place. `timeout` has a
# process group of its own, which is how it ends all that a hanging command started; so Ctrl-C does
# not reach it, and we pass it on.
run() {
  {
    eval "$limit $1 &"
    trap "kill $! 2>/dev/null" INT TERM
    wait $!
    echo $? >"$place/code"
  } 2>&1 | tee "$place/output"
}

set_counts() { # N "passed," N "failed", or nothing
  passed=$((passed + ${1:-0})) failures=${3:-0}
}

passed=0 failed=0 bad=""
for command in "$@"; do
  echo "== $command"
  echo 255 >"$place/code" # should the shell that runs it be killed
  run "$command"
  code=$(cat "$place/code")

  # The last closing line counts: what a command ran itself may have had one of its own.
  closing=$(grep '^[0-9][0-9]* passed, [0-9][0-9]* failed' "$place/output" | tail -n 1)
  set_counts $closing

  why=""
  if [ "$code" = 124 ] && [ -n "$limit" ]; then why="did not end within $SECONDS_EACH seconds"
  elif [ "$code" -gt 124 ]; then why="ended with exit code $code" # a crash, after whatever it counted
  elif [ "$failures" = 0 ] && [ "$code" != 0 ]; then why="ended with exit code $code"
  elif [ -z "$closing" ]; then why="had no closing line"
  fi
  if [ -n "$why" ]; then
    echo "FAILED: $command: $why"
    failures=$((failures + 1))
  fi
  [ "$failures" != 0 ] || continue
  failed=$((failed + failures))
  bad="$bad
  $command"
done

[ -z "$bad" ] || echo "Failures in:$bad"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
