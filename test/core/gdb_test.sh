#!/bin/bash
# Backtraces of coroutines in gdb are right, and end cleanly where the coroutine begins.
#
#   gdb_test.sh STOPS_IN_COROUTINES
set -uo pipefail

if ! command -v gdb >/dev/null; then
  echo "SKIPPED: there is no gdb (bazel/setup installs it)"
  exit 0
fi
# LeakSanitizer cannot work in a program that is traced.
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
output=$(timeout 120 gdb --batch -nx -iex 'set auto-load no' -ex 'set debuginfod enabled off' \
  -ex 'set startup-with-shell off' -ex 'set print frame-arguments none' \
  -ex 'set breakpoint pending off' -ex 'break stop_here' -ex run \
  -ex backtrace -ex continue -ex backtrace -ex continue -ex backtrace -ex continue "$1" 2>&1)
if grep -qE 'ptrace: Operation not permitted|Could not trace the inferior' <<<"$output"; then
  echo "SKIPPED: this process may trace no other"
  exit 0
fi

fail() {
  printf '%s\n\nFAILED: %s\n' "$output" "$*"
  exit 1
}
# expect COUNT WHAT: so many lines have it.
expect() {
  local found
  found=$(grep -cE "$2" <<<"$output")
  [[ $found -eq $1 ]] || fail "$found lines with \"$2\" instead of $1"
}
# One on a private stack, two on a shared one; each stops once. The first line of a stop and of its
# backtrace both name the innermost function.
expect 3 '^#0 +.*stop_here'
expect 3 '^#1 +.*middle_of_coroutine'
expect 3 '^#2 +.*bottom_of_coroutine'
# Whoever it is that called the function: the last frame is the coroutine's entry.
last=$(awk '/^#/ { line = $0; seen = 1; next } seen { print line; seen = 0 }' <<<"$output" |
  grep -cE '^#[0-9]+ +.*colibri_context_entry')
[[ $last -eq 3 ]] || fail "$last of 3 backtraces end at colibri_context_entry"
expect 0 'Backtrace stopped|corrupt stack|Cannot access memory'
expect 1 'all have ended'
expect 1 'exited normally'
echo 'backtraces of 3 coroutines are right'
