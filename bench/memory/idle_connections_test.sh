#!/bin/bash
# An idle connection that waits first takes little of the server's memory; a figure, not a time.
#
#   idle_connections_test.sh SCRIPT SERVER MOST_BYTES
set -euo pipefail

fail() { echo "$1" >&2; exit 1; }

folder=$(cd "$(dirname "$2")/.." && pwd)
json=$(python3 "$1" --folder "$folder" --filter "shared stacks, wait first" --connections 4000 --json)
bytes=${json##*\"bytes_per_connection\": }
bytes=${bytes%%.*}
((bytes > 100 && bytes <= $3)) || fail "an idle connection took $bytes bytes, more than $3: $json"
