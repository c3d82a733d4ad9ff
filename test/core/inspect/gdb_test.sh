#!/bin/bash
# core/gdb.py finds all coroutines, their frames and their variables: in a process, which goes on
# undisturbed afterwards; in a core file that gdb has written, and in one of the kernel's.
#
#   gdb_test.sh live|written|dumped private|shared|checked GDB_PY COROUTINES_TO_LOOK_AT
set -uo pipefail

readonly WHERE=$1 STACKS=$2 SCRIPT=$3
readonly PROGRAM=$PWD/$4
skip() {
  echo "SKIPPED: $*"
  exit 0
}
command -v gdb >/dev/null || skip 'there is no gdb (bazel/setup installs it)'

# LeakSanitizer cannot work in a program that is traced.
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
case $STACKS in
  shared) export COLIBRI_CHECK=none COLIBRI_STACK=shared:2x256k ;;
  checked) export COLIBRI_CHECK=shared COLIBRI_STACK=shared:2x256k ;;
esac
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

# run_gdb ARGUMENTS...: its output is left in $output.
run_gdb() {
  output=$(timeout 240 gdb --batch -nx -iex 'set auto-load no' -ex 'set debuginfod enabled off' \
    -ex 'set startup-with-shell off' -ex 'set breakpoint pending off' -ex 'set width 0' "$@" 2>&1)
  ! grep -qE 'ptrace: Operation not permitted|Could not trace the inferior' <<<"$output" ||
    skip 'this process may trace no other'
}
readonly LOOKS=(-ex "source $SCRIPT" -ex 'echo [list]\n' -ex 'info coroutines'
  -ex 'echo [frames]\n' -ex 'coroutine apply all bt'
  -ex 'echo [variables]\n' -ex 'coroutine apply guest locals'
  -ex 'echo [selection]\n' -ex 'coroutine 4 frame 1' -ex 'coroutine 4 frame middle'
  -ex 'print doubled' -ex 'coroutine' -ex 'info coroutines 4 sleeper r*' -ex 'backtrace'
  -ex 'echo [thread]\n' -ex 'coroutine 0' -ex 'coroutine nobody bt' -ex 'coroutine guest bt'
  -ex 'coroutine reader bt 2' -ex 'coroutine' -ex 'backtrace 1' -ex 'echo [end]\n')
readonly RUN=(-ex 'break stop_here' -ex run)

case $WHERE in
  live)
    run_gdb "${RUN[@]}" "${LOOKS[@]}" -ex continue "$PROGRAM"
    ;;
  written)
    # gdb reads a mapping up to the first guard of the other kind, and no further.
    export COLIBRI_STACK_GUARD=mprotect
    run_gdb "${RUN[@]}" -ex "generate-core-file $directory/core" -ex kill "$PROGRAM"
    run_gdb "${LOOKS[@]}" "$PROGRAM" "$directory/core"
    ;;
  dumped)
    (cd "$directory" && ulimit -c unlimited && "$PROGRAM" abort)
    core=$(find "$directory" -name '*core*' -type f)
    [[ -n $core ]] || skip 'the kernel writes no core files into the working directory'
    run_gdb "${LOOKS[@]}" "$PROGRAM" "$core"
    ;;
esac

fail() {
  printf '%s\n\nFAILED: %s\n' "$output" "$*"
  exit 1
}
# part NAME: what was printed between the marks.
part() {
  awk -v mark="[$1]" '/^\[/ { inside = $0 == mark; next } inside' <<<"$output"
}
# expect PART COUNT WHAT: so many of its lines have it.
expect() {
  local found
  found=$(part "$1" | grep -cE "$3")
  [[ $found -eq $2 ]] || fail "$found lines of [$1] with \"$3\" instead of $2"
}

expect list 13 ''
expect list 1 '^\* 1 +1 +running +main .*coroutines_to_look_at\.cc:[0-9]+$'
expect list 1 '^  [0-9]+ +1 +parked +another coroutine or thread +owner '
expect list 3 '^  [0-9]+ +1 +parked +another coroutine or thread +guest '
expect list 1 '^  [0-9]+ +1 +parked +descriptor [0-9]+, to read +reader '
expect list 1 '^  [0-9]+ +1 +parked +sleep +sleeper '
expect list 1 '^  [0-9]+ +1 +resuming +outer '
expect list 1 '^  [0-9]+ +1 +parked +another coroutine or thread +inner '
expect list 1 '^  [0-9]+ +1 +ready +fresh '
# The second thread, or, with one of ThreadSanitizer's own, the third.
expect list 1 "^  [0-9]+ +[23] +parked +another's end +main "
expect list 1 '^  [0-9]+ +[23] +parked +another coroutine or thread +elsewhere '

expect frames 12 '^Coroutine [0-9]+ '
# owner, three guests, inner and elsewhere.
expect frames 6 '^#[0-9]+ .*\bmiddle \('
expect frames 6 '^#[0-9]+ .*\bwait_at_gate \('
expect frames 1 '^#[0-9]+ .*\bwait_for_descriptor \('
expect frames 1 '^#[0-9]+ .*\bsleep_long \('
expect frames 1 '^#[0-9]+ .*\bresume_inner \('
expect frames 1 '^#[0-9]+ .*\bstop_here(\[cold\])? \('
# Eleven have begun; the backtraces of all end where a coroutine begins.
last=$(part frames | awk '/^#/ { line = $0; next } line { print line; line = "" }
  END { print line }' | grep -cE '^#[0-9]+ .*\bcolibri_context_entry \(')
[[ $last -eq 11 ]] || fail "$last of 11 backtraces end at colibri_context_entry"
gaps=$(part frames | awk '/^Coroutine / { expected = 0 }
  /^#/ { if ($1 != "#" expected) print; ++expected }')
[[ -z $gaps ]] || fail "frames that are not numbered one by one: $gaps"

# Debug information may have been taken out of the program.
if readelf --sections --wide "$PROGRAM" | grep -q ' \.debug_info '; then
  for number in 200 300 400; do
    expect variables 1 "^    secret = $number\$"
    expect variables 1 "^    doubled = $((2 * number))\$"
  done
  expect selection 1 '^\$1 = 600$'
fi

expect selection 3 '^Coroutine 4 "guest" \(thread 1, parked: another coroutine or thread\)'
expect selection 1 '^\* 4 '
expect selection 1 '^  [0-9]+ +1 +parked +sleep +sleeper '
expect selection 1 '^  [0-9]+ +1 +parked +descriptor [0-9]+, to read +reader '
# Once when it is selected; gdb's own backtrace is the coroutine's, too.
expect selection 2 '^#[0-9]+ .*\bmiddle ?\('
expect selection 0 '^#[0-9]+ .*\bstop_here'

expect thread 1 'there is no coroutine nobody'
expect thread 1 '3 coroutines are called guest'
expect thread 2 '^#[01] .*\b(colibri|wait_for_descriptor)'
expect thread 1 '^No coroutine is selected\.$'
expect thread 1 '^#0 .*\b(stop_here|raise|abort|\w*kill\w*)'

! grep -E 'Backtrace stopped|corrupt stack|Cannot access|Python Exception|Traceback' \
  <<<"$output" || fail 'gdb or the script met what it did not expect'
if [[ $WHERE == live ]]; then
  grep -qx '10 have ended' <<<"$output" || fail 'not all came to their ends'
  grep -q 'exited normally' <<<"$output" || fail 'the program failed'
  ! grep -q 'a stack was changed' <<<"$output" || fail 'a stack was changed'
fi
echo 'all 12 coroutines are seen as they are'
