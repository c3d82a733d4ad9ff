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
if said=$("$1" --stack=shared 2>&1); then fail "shared stacks were not refused"; fi
[[ $said == *"no shared stacks yet"* ]] || fail "refused with: $said"
if "$1" --stack=other 2>/dev/null; then fail "an unknown kind of stack was accepted"; fi
