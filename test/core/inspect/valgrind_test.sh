#!/bin/bash
# What Valgrind reports of a coroutine has its stack, to where the coroutine begins.
#
#   valgrind_test.sh READS_FREED_MEMORY
set -uo pipefail

if ! command -v valgrind >/dev/null; then
  echo "SKIPPED: there is no valgrind (bazel/setup --full installs it)"
  exit 0
fi
# To measure stacks is to read what nobody has written.
output=$(COLIBRI_STACK_USAGE=1 timeout 240 valgrind --num-callers=40 --leak-check=no "$1" 2>&1)

fail() {
  printf '%s\n\nFAILED: %s\n' "$output" "$*"
  exit 1
}
# Of each report, the lines from "Invalid read" to the first that is no frame.
reports=$(awk '/Invalid read/ { inside = 1; next } inside && !/ (at|by) 0x/ { inside = 0 } inside' \
  <<<"$output")
# expect COUNT WHAT: so many lines of these stacks have it.
expect() {
  local found
  found=$(grep -cE "$2" <<<"$reports")
  [[ $found -eq $1 ]] || fail "$found frames with \"$2\" instead of $1"
}
# Reports of equal stacks are counted and not repeated: the one on the private stack and those on
# the shared one differ where they were spawned.
stacks=$(grep -c ' at 0x' <<<"$reports")
[[ $stacks -ge 1 ]] || fail 'there is no report'
expect "$stacks" 'at 0x.*: middle_of_coroutine '
expect "$stacks" 'by 0x.*: bottom_of_coroutine '
expect "$stacks" 'by 0x.*: colibri_context_entry '
grep -qE 'ERROR SUMMARY: 3 errors' <<<"$output" || fail 'there are not three errors, one a coroutine'
[[ $(grep -c 'has read' <<<"$output") -eq 3 ]] || fail 'not all came to their ends'
echo "$stacks reports have the stacks of coroutines"
