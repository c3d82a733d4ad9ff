#!/bin/bash
# A sick server, run with one setting in its environment, is told what ails it.
#
#   sick_test.sh PROGRAM SETTING PATTERN...
#
# Each PATTERN, a regular expression, must match a line of what the program writes.
set -uo pipefail

program=$1
setting=$2
shift 2

# It may end by a fault.
ulimit -c 0
said=$(env "$setting" "$program" 2>&1)
for pattern in "$@"; do
  grep -qE -- "$pattern" <<<"$said" && continue
  echo "nothing that $(basename "$program") wrote matches \"$pattern\":" >&2
  echo "$said" >&2
  exit 1
done
