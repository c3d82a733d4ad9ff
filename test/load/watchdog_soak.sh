#!/bin/bash
# The watchdog raises no false alarm: an echo server under load, on a machine that has far too much to
# do, is never reported, since no slice of it is long.
#
#   watchdog_soak.sh SERVER LOADER [SECONDS [RATE [LOOPS]]]
#
#   bazel test --config=opt --test_arg=3600 --test_timeout=4000 //test/load:watchdog_soak
#
# Beside it, LOOPS loops want processors, all at the same priority; without a wish, twice as many as
# there are processors. On a machine that is busy anyway 0 will do. RATE is in messages a second, 0
# for as many as there can be. Prints what the server's thread got, and how long it had to wait for a
# processor: so much could have been taken for slices that are too long.
set -euo pipefail

server=$1
loader=$2
seconds=${3:-60}
rate=${4:-0}
loops=${5:-$((2 * $(nproc)))}
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

for _ in $(seq "$loops"); do
  while :; do :; done &
  children+=($!)
done

"$loader" --port "$port" --connections 200 --rate "$rate" --duration "$seconds"
# Of the first thread: nanoseconds on a processor, nanoseconds in line for one, turns on one.
read -r ran waited turns <"/proc/$server_pid/task/$server_pid/schedstat"
echo "server's thread: $((ran / 1000000)) ms on a processor, $((waited / 1000000)) ms in line for" \
  "one, $turns times; load averages now: $(cut -d ' ' -f 1-3 /proc/loadavg)"
kill -TERM "$server_pid"
wait "$server_pid" || { echo "the server ended with status $?"; cat "$work/err"; exit 1; }
if grep watchdog "$work/err"; then
  echo "the watchdog reported a server that does nothing wrong"
  exit 1
fi
