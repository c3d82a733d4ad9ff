#!/bin/bash
# core/gdb.py finds all coroutines and their frames and variables: in a process, which goes on
# undisturbed afterwards, and in core files.
#
#   gdb_coroutines_test.sh GDB_PY COROUTINES_TO_LOOK_AT [live]     (live: no core files)
set -uo pipefail

readonly SCRIPT=$1 PROGRAM=$2 WHAT=${3:-}
if ! command -v gdb >/dev/null; then
  echo "SKIPPED: there is no gdb (bazel/setup installs it)"
  exit 0
fi
# LeakSanitizer cannot work in a program that is traced.
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
# gdb reads no further in a mapping than to the first guard of the other kind, and leaves the rest
# out of the core files that it writes.
export COLIBRI_STACK_GUARD=mprotect
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

# looks WHERE ARGUMENTS...: gdb with the script, and the looks that all parts of the test have in
# common; their output is left in $output.
readonly LOOKS=(-ex 'info coroutines' -ex 'coroutine apply all bt' -ex 'coroutine apply guest locals'
  -ex 'coroutine inner bt 3' -ex 'coroutine 4 frame 0' -ex 'frame function wait_at_gate'
  -ex 'print secret' -ex 'coroutine' -ex 'info coroutines sleeper r*' -ex 'coroutine 0'
  -ex 'coroutine nobody bt' -ex 'coroutine' -ex 'backtrace 1')
looks() {
  where=$1
  shift
  output=$(timeout 240 gdb --batch -nx -iex 'set auto-load no' -ex 'set debuginfod enabled off' \
    -ex 'set startup-with-shell off' -ex 'set width 0' -ex "source $SCRIPT" "$@" 2>&1)
}
fail() {
  printf '%s\n\nFAILED (%s): %s\n' "$output" "$where" "$*"
  exit 1
}
# expect COUNT WHAT: so many lines have it.
expect() {
  local found
  found=$(grep -cE "$2" <<<"$output")
  [[ $found -eq $1 ]] || fail "$found lines with \"$2\" instead of $1"
}

# What all parts see.
expect_coroutines() {
  expect 1 '^\*? *[0-9]+ +1 +running +main +.*coroutines_to_look_at.cc:[0-9]+$'
  expect 1 '^ +2 +1 +parked +another coroutine or thread +owner '
  expect 3 '^\*? +[0-9]+ +1 +parked +another coroutine or thread +guest '
  expect 2 '^ +[0-9]+ +1 +parked +descriptor [0-9]+, to read +reader '
  expect 2 '^ +[0-9]+ +1 +parked +sleep +sleeper '
  expect 1 '^ +[0-9]+ +1 +resuming +outer '
  expect 1 '^ +[0-9]+ +1 +parked +another coroutine or thread +inner '
  expect 1 '^ +[0-9]+ +1 +ready +fresh '
  expect 1 "^ +[0-9]+ +2 +parked +another's end +main "
  expect 1 '^ +[0-9]+ +2 +parked +another coroutine or thread +elsewhere '
}
expect_frames() {
  # owner, three guests, inner and elsewhere; guests are asked for their variables, too.
  expect 9 '^#[0-9]+ .*\bmiddle \('
  expect 1 '^#[0-9]+ .*\bwait_for_descriptor \('
  expect 1 '^#[0-9]+ .*\bsleep_long \('
  expect 1 '^#[0-9]+ .*\bresume_inner \('
  expect 1 'coroutine 10 has not begun'
  # Eleven have frames, and all of these end where the coroutine begins.
  expect 11 '^#[0-9]+ .*colibri_context_entry'
  expect 0 'Backtrace stopped|corrupt stack|Cannot access memory|Python Exception|Traceback'
  # Their frames are numbered without a gap, and no frame is seen twice.
  local gaps
  gaps=$(awk '/^Coroutine .*spawned/ { next_number = 0 } /^#/ && !done {
    number = substr($1, 2); if (number != next_number) print; next_number = number + 1 }
    /^Coroutine .*"inner"/ { seen++ } seen == 2 { done = 1 }' \
    <(sed -n '/^Coroutine 1 /,/^Coroutine .*"guest".*/p' <<<"$output"))
  [[ -z $gaps ]] || fail "frames are not numbered one by one: $gaps"
}
expect_variables() {
  # Debug information may have been taken out of the program.
  readelf --sections --wide "$PROGRAM" | grep -q ' \.debug_info ' || return
  local number
  for number in 200 300 400; do
    expect 1 "^    secret = $number\$"
    expect 1 "^    doubled = $((2 * number))\$"
  done
  expect 1 '^\$1 = 300$'
}
expect_selection() {
  expect 1 'there is no coroutine nobody'
  expect 1 '^No coroutine is selected\.$'
  expect 1 '^\* 4 '
}

looks live -ex 'set breakpoint pending off' -ex 'break stop_here' -ex run "${LOOKS[@]}" \
  -ex "${WHAT:+echo no core file\\n}${WHAT:-generate-core-file $directory/written}" \
  -ex continue "$PROGRAM"
if grep -qE 'ptrace: Operation not permitted|Could not trace the inferior' <<<"$output"; then
  echo "SKIPPED: this process may trace no other"
  exit 0
fi
printf '%s\n' "$output"
