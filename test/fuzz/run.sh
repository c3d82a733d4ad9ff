#!/bin/bash
# Looks for inputs that show defects, by libFuzzer with the sanitizers for addresses and undefined
# behaviour.
#
#   test/fuzz/run.sh [--seconds N] [--keep] [FUZZER...]
#
# Each fuzzer for N seconds (60), two at a time; without names, all. --keep adds inputs that reach
# new code to the corpus. Prints an input that shows a defect, and ends with status 1.
set -euo pipefail
cd "$(dirname "$0")/../.."

seconds=60
keep=false
fuzzers=()
while (($#)); do
  case $1 in
    --seconds) seconds=$2; shift ;;
    --keep) keep=true ;;
    -*) echo "run.sh: what is $1?" >&2; exit 2 ;;
    *) fuzzers+=("$1") ;;
  esac
  shift
done
((${#fuzzers[@]})) || mapfile -t fuzzers < <(cd test/fuzz && ls -- *_fuzz.cc | sed 's/\.cc$//')

bazel() { command bazel ${COLIBRI_BAZEL:-} "$@"; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Linked well, too, it says thousands of lines.
bazel build --config=fuzz --symlink_prefix=/ "${fuzzers[@]/#///test/fuzz:}" >"$scratch/build.log" 2>&1 ||
  { grep -v 'ld.gold: warning' "$scratch/build.log"; exit 1; }
bin=$(bazel info --config=fuzz bazel-bin 2>/dev/null)/test/fuzz

# One fuzzer: what it finds goes to a folder of its own, the kept corpus is only read.
look() {
  local name=$1 found=$scratch/$1
  mkdir "$found"
  "$bin/$name" -max_total_time="$seconds" -max_len=4096 -timeout=10 -print_final_stats=1 \
    -artifact_prefix="$found." "$found" "test/fuzz/corpus/$name" >"$found.log" 2>&1
}

failed=0
for ((i = 0; i < ${#fuzzers[@]}; i += 2)); do
  declare -A running=()
  for name in "${fuzzers[@]:i:2}"; do
    look "$name" & running[$name]=$!
  done
  for name in "${!running[@]}"; do
    if wait "${running[$name]}"; then
      echo "$name: $(grep -o 'number_of_executed_units: *[0-9]*' "$scratch/$name.log" |
        grep -o '[0-9]*$') inputs, no defect"
    else
      failed=1
      echo "$name: a defect"
      tail -n 40 "$scratch/$name.log"
      for input in "$scratch/$name".{crash,timeout,oom,leak}-*; do
        [[ -f $input ]] && { echo "the input:"; od -A d -c "$input" | head -n 40; }
      done
    fi
    if $keep; then
      "$bin/$name" -merge=1 "test/fuzz/corpus/$name" "$scratch/$name" 2>&1 | grep 'new files' || true
    fi
  done
done
exit $failed
