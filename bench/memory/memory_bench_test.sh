#!/bin/bash
# The memory benchmark prints what it is said to.
#
#   memory_bench_test.sh PROGRAM
set -euo pipefail

fail() { echo "$1" >&2; exit 1; }

json=$("$1" --count=1000 --json)
for field in stack count live_bytes bytes_per_coroutine page_table_bytes_per_coroutine; do
  [[ $json == *"\"$field\": "* ]] || fail "no field $field in $json"
done
[[ $("$1" --count=1000) == *"resident bytes a coroutine"* ]] || fail "no table"
shared=$("$1" --stack=shared --count=20000 --json)
bytes=${shared##*\"bytes_per_coroutine\": }
bytes=${bytes%%.*}
((bytes > 100 && bytes < 2000)) || fail "a coroutine on a shared stack took $bytes bytes: $shared"
steps=$("$1" --stack=shared --steps=2000,3000 --json)
[[ $(wc -l <<<"$steps") == 2 && $steps == *'"count": 2000,'*'"count": 3000,'* ]] ||
  fail "not an object a step: $steps"
# Without memory for all, it says how far it came, and the coroutines that were spawned end. What
# cannot begin with so little (a sanitizer's shadow) is not asked.
limited() { (ulimit -v 700000; "$@") 2>&1; }
if limited "$1" --count=10 >/dev/null; then
  if short=$(limited "$1" --stack=private --count=20000); then
    fail "no error without memory: $short"
  fi
  [[ $short == *"memory_bench: after "*" coroutines: "* ]] || fail "not a reason: $short"
fi
if "$1" --stack=other 2>/dev/null; then fail "an unknown kind of stack was accepted"; fi
