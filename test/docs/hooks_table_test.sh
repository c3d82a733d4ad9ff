#!/bin/bash
# The table of docs/hooks.md that says what tests each call has every hooked name, once, and names
# tests that exist.
#
#   hooks_table_test.sh HOOKS_MD HOOKED_NAMES_H BUILD_OF_TEST_HOOK
set -euo pipefail

table=$(sed -n '/^## What ends each call/,/^## /p' "$1" | sed -n 's/^| `/`/p')
[[ -n $table ]] || { echo "$1 has no such table"; exit 1; }

# column NUMBER: what stands in backquotes there, a line each.
column() {
  cut -d'|' -f"$1" <<<"$table" | grep -o '`[^`]*`' | tr -d '`' | LC_ALL=C sort
}

diff --label "$1" <(column 1) \
     --label "$2" <(sed -n 's/^ *"\([a-zA-Z0-9_]*\)",$/\1/p' "$2" | LC_ALL=C sort)
for test in $(column 3 | uniq); do
  grep -q "\"$test\"" "$3" || { echo "//test/hook has no $test"; exit 1; }
done
