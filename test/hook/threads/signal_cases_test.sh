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
exit $status
