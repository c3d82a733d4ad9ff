#!/bin/bash
# A classic of POSIX threads prints the same natively and, as coroutines, in every order that a seed
# makes.
#
#   classics_test.sh COLIBRI PROGRAM FIRST_SEED LAST_SEED
set -uo pipefail

export colibri=$1 program=$2
work=$(mktemp -d)
export work
trap 'rm -rf "$work"' EXIT
ulimit -c 0

timeout 60 "$program" >"$work/native" || { echo "FAILED: natively: status $?"; exit 1; }

try_seed() {
  timeout 60 "$colibri" run --threads=coroutines --seed="$1" "$program" >"$work/$1" 2>&1
  local ended=$?
  if [[ $ended != 0 ]] || ! cmp -s "$work/native" "$work/$1"; then
    echo "FAILED: seed $1, status $ended: $(diff "$work/native" "$work/$1")"
  fi
  rm "$work/$1"
}
export -f try_seed
wrong=$(seq "$3" "$4" | xargs -P2 -I{} bash -c 'try_seed {}' | head -50)
[[ -z $wrong ]] || { echo "$wrong"; exit 1; }
