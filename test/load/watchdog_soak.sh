#!/bin/bash
# The watchdog raises no false alarm: an echo server under load, on a machine that has far too much to
# do, is never reported, since no slice of it is long.
#
#   watchdog_soak.sh SERVER LOADER [SECONDS]
#
#   bazel test --config=opt --test_arg=3600 --test_timeout=4000 //test/load:watchdog_soak
#
# Beside it, twice as many loops as there are processors want them, all at the same priority.
set -euo pipefail

server=$1
loader=$2
seconds=${3:-60}
work=$(mktemp -d)
children=()

stop_all() {
  kill "${children[@]}" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap stop_all EXIT

COLIBRI_WATCHDOG=10ms "$server" --port 0 >"$work/out" 2>"$work/err" &
server_pid=$!
children+=("$server_pid")
for _ in $(seq 100); do
  port=$(sed -n 's/^listening on .*://p' "$work/out")
  [ -n "$port" ] && break
  sleep 0.1
done
[ -n "$port" ] || { echo "the server did not start"; cat "$work/err"; exit 1; }

for _ in $(seq $((2 * $(nproc)))); do
  while :; do :; done &
  children+=($!)
done

"$loader" --port "$port" --connections 200 --duration "$seconds"
kill -TERM "$server_pid"
wait "$server_pid" || { echo "the server ended with status $?"; cat "$work/err"; exit 1; }
if grep watchdog "$work/err"; then
  echo "the watchdog reported a server that does nothing wrong"
  exit 1
fi
