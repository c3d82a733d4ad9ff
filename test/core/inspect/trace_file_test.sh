#!/bin/bash
# A program that knows nothing of traces writes one because the environment says so, and Python
# reads it as JSON.
#
#   trace_file_test.sh BUSY_COROUTINES
set -euo pipefail

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
# Unquoted: a command and its options.
COLIBRI_TRACE=$directory/trace.json ${COLIBRI_RUN_UNDER:-} "$1" 20
python3 - "$directory/trace.json" <<'PYTHON'
import collections
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    events = json.load(file)["traceEvents"]
slices = collections.Counter(event["name"] for event in events if event["ph"] == "X")
spawns = collections.Counter(event["name"] for event in events if event["ph"] == "i")
starts = {event["id"] for event in events if event["ph"] == "s"}
ends = {event["id"] for event in events if event["ph"] == "f"}
# Two coroutines of each name, of which each yields twenty times.
assert slices["private"] == slices["shared"] == 2 * 21, slices
assert spawns["spawn private"] == spawns["spawn shared"] == 2, spawns
assert ends and ends <= starts, (starts, ends)
print("slices:", dict(slices))
PYTHON
