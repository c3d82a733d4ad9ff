#!/bin/bash
# A process whose threads are coroutines ends as one with threads does: with the same output, the same
# errors and the same status.
#
#   thread_ends_test.sh COLIBRI THREAD_ENDS
set -uo pipefail

colibri=$1 ends=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

complain() {
  echo "FAILED: $*"
  status=1
}

ulimit -c 0
ways=$("$ends")
(($(wc -w <<<"$ways") >= 14)) || complain "too few ways: $ways"
for way in $ways; do
  timeout 60 "$ends" "$way" >"$work/native" 2>"$work/native_errors"
  native=$?
  timeout 60 "$colibri" run --threads=coroutines "$ends" "$way" >"$work/out" 2>"$work/errors"
  coroutines=$?
  [[ $native == "$coroutines" ]] || complain "$way: status $coroutines, and $native natively"
  diff "$work/native" "$work/out" || complain "$way: other output"
  diff "$work/native_errors" "$work/errors" || complain "$way: other errors"
done
exit $status
