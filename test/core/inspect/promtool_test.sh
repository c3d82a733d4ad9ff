#!/bin/bash
# Prometheus' own checker finds nothing to say of the metrics' names, types and text.
#
#   promtool_test.sh PROGRAM_THAT_PRINTS_METRICS
set -euo pipefail

"$1" >"$TEST_TMPDIR/metrics"
lines=$(wc -l <"$TEST_TMPDIR/metrics")
[[ $lines -gt 100 ]] || { echo "only $lines lines of metrics"; exit 1; }

if ! command -v promtool >/dev/null; then
  echo "skipped: there is no promtool; it comes with Debian's package prometheus"
  exit 0
fi
promtool check metrics <"$TEST_TMPDIR/metrics"
