#!/bin/bash
# The program tells tracers where its probes are, by what name, and how many arguments each has.
#
#   probes_test.sh PROGRAM
set -euo pipefail

readelf --notes --wide "$1" >"$TEST_TMPDIR/notes"

# Name and number of arguments of every probe of ours, each once.
awk '
  /Provider: / { ours = $NF == "colibri" }
  ours && /Name: / { name = $2 }
  ours && /Arguments: / { print name, NF - 1 }
' "$TEST_TMPDIR/notes" | sort -u >"$TEST_TMPDIR/probes"

diff - "$TEST_TMPDIR/probes" <<'END' || { echo "expected (<) and found (>) differ"; exit 1; }
end 2
park 4
spawn 2
stall 3
switch 2
wake 3
END

# Tools refuse what they cannot read: each argument is a size and a register, a constant or memory.
place='(%[a-z0-9]+|-?[0-9]*\(%[a-z0-9]+\)|[wx][0-9]+|\[[^]]*\])'
if grep -A 3 'Provider: colibri' "$TEST_TMPDIR/notes" | sed -n 's/^ *Arguments: //p' |
  grep -vE "^(-?[1248]@$place ?)+$"; then
  echo "no tool understands these arguments"
  exit 1
fi

command -v gdb >/dev/null || { echo "no gdb here: not asked"; exit 0; }
# gdb stops at probes, and reads the arguments. The first coroutine is 1.
gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'break -probe-stap colibri:spawn' -ex run \
  -ex 'printf "id %ld\n", $_probe_arg1 & 0xffffffffffff' -ex kill "$1" >"$TEST_TMPDIR/gdb" 2>&1 ||
  true
if grep -q 'Could not trace the inferior\|ptrace: Operation not permitted' "$TEST_TMPDIR/gdb"; then
  echo "gdb may not trace here: not asked"
  exit 0
fi
grep -q '^id 1$' "$TEST_TMPDIR/gdb" || { cat "$TEST_TMPDIR/gdb"; exit 1; }
