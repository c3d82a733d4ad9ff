#!/bin/bash
# Python's socketserver.ThreadingTCPServer on coroutines: the interpreter's lock parks, and all clients
# get what is theirs.
#
#   python_server_test.sh COLIBRI LINE_SERVER_PY LINE_CLIENTS_PY
set -uo pipefail

colibri=$1 server=$2 clients=$3
port=$(mktemp)
"$colibri" run --threads=coroutines python3 "$server" >"$port" &
process=$!
trap 'kill $process; rm -f "$port"' EXIT
for _ in {1..400}; do
  [[ -s $port ]] && break
  sleep 0.05
done
right=$(timeout 100 python3 "$clients" "$(<"$port")" 500)
threads=$(sed -n 's/^Threads:\t//p' /proc/$process/status)
if [[ $right != 1500 ]]; then
  echo "FAILED: $right lines were right, and not 1500"
  exit 1
fi
# Its own, and helpers that read files and look up names; with a thread a client it would be 501.
if ((threads > 10)); then
  echo "FAILED: $threads threads"
  exit 1
fi
