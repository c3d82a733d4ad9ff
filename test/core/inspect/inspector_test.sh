#!/bin/bash
# What the command says of a running program, by the path of its socket and by its number.
#
#   inspector_test.sh COLIBRI PROGRAM
set -uo pipefail
colibri=$1 program=$2
folder=$(mktemp -d /tmp/colibri_inspector_XXXXXX)
trap 'exec 3>&-; wait; rm -rf "$folder"' EXIT

mkfifo "$folder/in" "$folder/out"
COLIBRI_ADMIN=$folder/%p COLIBRI_DUMP_SIGNAL=QUIT \
  "$program" <"$folder/in" >"$folder/out" 2>"$folder/errors" &
pid=$!
exec 3>"$folder/in"
read -r line <"$folder/out"
if [[ $line != ready ]]; then
  cat "$folder/errors"
  echo "FAILED: the program is not ready"
  exit 1
fi

fail() {
  printf '%s\n\nFAILED: %s\n' "$output" "$*"
  cat "$folder/errors"
  exit 1
}
# ask ARGUMENTS…: the command's output, which must be without an error.
ask() { output=$("$colibri" "$@" 2>&1) || fail "colibri $*"; }
# refuse ARGUMENTS…: the same, which must be with one.
refuse() {
  output=$("$colibri" "$@" 2>&1) && fail "colibri $* succeeded"
  [[ $output == "colibri: "* ]] || fail "colibri $* said no sentence"
}
# expect COUNT WHAT: so many lines have it.
expect() {
  local found
  found=$(grep -cE "$2" <<<"$output")
  [[ $found -eq $1 ]] || fail "$found lines with \"$2\" instead of $1"
}
id_of() { awk -v name="$1" '$3 == name { print $1 }' <<<"$table"; }

[[ $(stat -c %a "$folder/$pid") == 600 ]] || fail "the socket is not the owner's alone"

ask ps "$pid"
table=$output
expect 1 '^id +scheduler +name +state +ms'
expect 20 ' reader +parked .*readable fd [0-9]+ pipe:'
expect 1 ' writer +parked .*mutex held by #[0-9]+ .holder.'
expect 1 " forgotten +parked .*channel 'jobs' receive"
expect 1 ' afar +parked .*event'
ask ps "$folder/$pid" --search reader --most 5
expect 5 ' reader '
expect 1 'and 15 more'
ask ps "$pid" --sort stack --state parked
expect 0 ' running '
refuse ps "$pid" --sort colour

ask bt "$pid"
expect 2 '^scheduler [0-9]+ \(thread [0-9]+\): [0-9]+ coroutines at'
expect 1 '^20 coroutines parked'
expect 1 'read_for_ever'
expect 2 'take_both'
ask bt "$pid" "$(id_of reader | head -1)"
expect 1 'read_for_ever'
refuse bt "$pid" 123456789123

ask why "$pid" "$(id_of writer)"
expect 1 "'writer' waits for mutex held by #[0-9]+ 'holder'"
expect 1 "'holder' waits for event"
ask why "$pid" "$(id_of left)"
expect 1 'which is a cycle'
ask deadlocks "$pid"
expect 1 "'left' waits for mutex held by #[0-9]+ 'right'"
expect 1 "'right' waits for mutex held by #[0-9]+ 'left'"
ask leaks "$pid"
expect 1 "'forgotten'"
expect 0 "'reader'"

ask top "$pid" --sort slices
expect 1 '^[0-9]+ +[0-9]+ +busy '
ask trace "$pid" --output "$folder/trace.json"
python3 -c 'import json, sys; json.load(open(sys.argv[1]))["traceEvents"][0]' \
  "$folder/trace.json" || fail "the trace is no trace"
ask metrics "$pid"
expect 1 '^# TYPE colibri_helper_threads gauge'

refuse ps $$
refuse ps "$folder/nobody"

# A signal has the same written to standard error, and nobody is disturbed.
kill -QUIT "$pid"
for _ in {1..200}; do
  grep -q '^20 coroutines parked' "$folder/errors" && break
  sleep 0.05
done
output=$(cat "$folder/errors")
expect 1 '^20 coroutines parked'
ask ps "$pid"

exec 3>&-
wait "$pid" || fail "the program ended with status $?"
echo 'all questions were answered'
