#!/bin/bash
# Puts one of the two servers under load with every byte checked, and stops it.
#
#   load_test.sh SERVER LOAD_TEST
set -euo pipefail

exec 3< <(exec "$1" 0)
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
read -r -t 20 line <&3
timeout 100 "$2" --port "${line##*:}" --connections 200 --duration 1 --warmup 0.2 \
  --message-bytes 500 --verify
kill -TERM "$server"
read -r -t 20 line <&3
echo "$line"
[[ $line =~ ^[0-9]+\ connections,\ [0-9]+\ bytes$ && $line != 0\ * ]]
