#!/bin/bash
# pthread_cancel ends a thread that is a coroutine as it ends others, call by call; and so it does in
# programs whose calls are those of a fortifying compiler.
#
#   cancel_cases_test.sh COLIBRI CANCEL_CASES FORTIFIED_CANCEL_CASES
set -uo pipefail

colibri=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

complain() {
  echo "FAILED: $*"
  status=1
}

for cases in "$2" "$3"; do
  timeout 60 "$cases" >"$work/native" || complain "natively: status $?"
  (($(wc -l <"$work/native") == 15)) || complain "$(wc -l <"$work/native") cases, and not 15"
  timeout 60 "$colibri" run --threads=coroutines "$cases" >"$work/coroutines" ||
    complain "as coroutines: status $?"
  diff "$work/native" "$work/coroutines" || complain "$cases: natively (<) and as coroutines (>)"
done
exit $status
