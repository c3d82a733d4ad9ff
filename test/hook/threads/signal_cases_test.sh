#!/bin/bash
# A thread that is a coroutine has a signal mask and pending signals of its own: the programs print the
# same, whatever order the threads run in.
#
#   signal_cases_test.sh COLIBRI SIGNAL_CASES MASK_CASES
set -uo pipefail

colibri=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

complain() {
  echo "FAILED: $*"
  status=1
}

# compare PROGRAM NUMBER: it prints so many lines, the same in all ways.
compare() {
  local cases=$1 number way
  timeout 60 "$cases" >"$work/native" || complain "natively: status $?"
  number=$(wc -l <"$work/native")
  ((number == $2)) || complain "$cases: $number cases, and not $2"
  for way in '' --stack=private:256k --seed=1 --seed=2; do
    timeout 60 "$colibri" run --threads=coroutines $way "$cases" >"$work/coroutines" ||
      complain "as coroutines $way: status $?"
    diff "$work/native" "$work/coroutines" ||
      complain "$cases: natively (<) and as coroutines (>) $way"
  done
}

compare "$2" 12
compare "$3" 11

# Natively it may jump. A coroutine that waits has its handler run on another stack.
ulimit -c 0
said=$(timeout 60 "$3" a_jump_out_of_a_wait)
[[ $said == 'a_jump_out_of_a_wait: 5' ]] || complain "natively, of a jump: $said"
said=$(timeout 60 "$colibri" run --threads=coroutines "$3" a_jump_out_of_a_wait 2>&1)
ended=$?
((ended == 134)) || complain "a jump out of a wait: status $ended"
[[ $said == *'must not be left by a jump'* ]] || complain "of a jump out of a wait: $said"
exit $status
