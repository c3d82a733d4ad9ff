#!/bin/bash
# Debian's microsocks, which starts a thread for each connection, serves some hundred clients on
# coroutines, every byte of theirs right, in a thread or two of the system; and again, so that the
# records of threads that have ended are used anew.
#
#   microsocks_test.sh COLIBRI SOCKS_LOAD_PY
set -uo pipefail

colibri=$1 load=$2
if ! command -v microsocks >/dev/null; then
  echo "passed over: microsocks is not installed"
  exit 0
fi
errors=$(mktemp)
"$colibri" run --threads=coroutines microsocks -i 127.0.0.1 -p 0 2>"$errors" &
proxy=$!
trap 'kill $proxy; rm -f "$errors"' EXIT
status=0

complain() {
  echo "FAILED: $*"
  status=1
}

# The port that the proxy listens at; it has no other listener.
find_port() {
  local inode
  for inode in $(readlink /proc/$proxy/fd/* 2>/dev/null | sed -n 's/^socket:\[\(.*\)\]$/\1/p'); do
    awk -v inode="$inode" '$4 == "0A" && $10 == inode { print $2 }' /proc/net/tcp | cut -d: -f2
  done
}
for _ in {1..200}; do
  port=$(find_port)
  [[ -n $port ]] && break
  sleep 0.05
done
[[ -n $port ]] || { complain "microsocks does not listen: $(cat "$errors")"; exit 1; }

for _ in 1 2; do
  said=$(timeout 100 python3 "$load" $((16#$port)) --clients=300 --rounds=10) || complain "$said"
  [[ $said == '{"messages": 3000, "wrong": 0}' ]] || complain "the clients: $said"
done
threads=$(sed -n 's/^Threads:\t//p' /proc/$proxy/status)
((threads <= 3)) || complain "$threads threads"
exit $status
