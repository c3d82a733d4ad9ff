#!/bin/bash
# pthread_cancel ends a thread that is a coroutine as it ends others, call by call; and so it does in
# programs whose calls are those of a fortifying compiler.
#
#   cancel_cases_test.sh COLIBRI CANCEL_CASES CANCEL_POINTS FORTIFIED_CANCEL_POINTS
set -uo pipefail

colibri=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

complain() {
  echo "FAILED: $*"
  status=1
}

# compare PROGRAM NUMBER: it prints so many lines, the same both ways.
compare() {
  local cases=$1 number
  timeout 60 "$cases" >"$work/native" || complain "natively: status $?"
  number=$(wc -l <"$work/native")
  ((number == $2)) || complain "$cases: $number cases, and not $2"
  timeout 60 "$colibri" run --threads=coroutines "$cases" >"$work/coroutines" ||
    complain "as coroutines: status $?"
  diff "$work/native" "$work/coroutines" || complain "$cases: natively (<) and as coroutines (>)"
}

compare "$2" 11
compare "$3" 4
compare "$4" 4
exit $status
