#!/bin/bash
# What the command says of an unmodified program that it has started itself.
#
#   inspector_run_test.sh COLIBRI
set -uo pipefail
colibri=$1
folder=$(mktemp -d /tmp/colibri_inspector_XXXXXX)
trap 'kill "$pid" 2>/dev/null; wait; rm -rf "$folder"' EXIT

COLIBRI_ADMIN=$folder/socket "$colibri" run sleep 300 &
pid=$!
for _ in {1..200}; do
  # It is there a moment before somebody listens.
  table=$("$colibri" ps "$folder/socket" 2>&1) && break
  sleep 0.05
done
if ! grep -qE ' main +parked .*sleep until' <<<"$table"; then
  printf '%s\n\nFAILED: main does not sleep\n' "$table"
  exit 1
fi
stacks=$("$colibri" bt "$pid" 2>&1)
if ! grep -qE '^1 coroutine parked' <<<"$stacks"; then
  printf '%s\n\nFAILED: there is no stack\n' "$stacks"
  exit 1
fi
echo 'an unmodified program has answered'
