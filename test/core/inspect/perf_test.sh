#!/bin/bash
# Profiles by perf have the stacks of coroutines: to where they begin by unwind tables, and through
# all functions with frame pointers by these. And as a flame graph.
#
#   perf_test.sh BUSY_COROUTINES FLAME_GRAPH_PY
set -uo pipefail

readonly PROGRAM=$1 FLAME_GRAPH=$2
skip() {
  echo "SKIPPED: $*"
  exit 0
}
command -v perf >/dev/null || skip 'there is no perf (bazel/setup --full installs it)'
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

# profile METHOD: the samples in $samples, an empty line after each. By the clock, since virtual
# machines have no counters.
profile() {
  timeout 120 perf record --event cpu-clock:u --freq 2000 --call-graph "$1" \
    --output "$directory/data" "$PROGRAM" 20000 >"$directory/log" 2>&1 ||
    skip "perf cannot record here: $(tail -1 "$directory/log")"
  samples=$(perf script --input "$directory/data" 2>/dev/null)
}
# expect_frames FUNCTION...: each sample of the work has them all.
expect_frames() {
  local function
  for function in "$@"; do
    awk -v RS= -v function_name="$function" '/ work_in_coroutine\+/ {
        ++all; if ($0 ~ " " function_name "\\+") ++found }
      END { printf "%d of %d samples have %s\n", found, all, function_name; exit !all || found != all }
      ' <<<"$samples" || { echo FAILED; exit 1; }
  done
}

profile dwarf,4096
expect_frames bottom_of_coroutine colibri_context_entry
graph=$(python3 "$FLAME_GRAPH" <<<"$samples") || { echo 'FAILED: no flame graph'; exit 1; }
for function in work_in_coroutine bottom_of_coroutine colibri_context_entry; do
  # A box or two, since coroutines on shared stacks come another way; and room for the name.
  [[ $(grep -c "<title>$function, .*>$function</text>" <<<"$graph") -ge 1 ]] ||
    { printf '%s\nFAILED: no box for %s\n' "$graph" "$function"; exit 1; }
done
profile fp
expect_frames bottom_of_coroutine
