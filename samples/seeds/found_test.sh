#!/bin/bash
# The bug that is planted in a sample is found within its thousand seeds, the seed that it prints has
# it again, and the sample without the bug passes.
#
#   found_test.sh PROGRAM
set -uo pipefail

fail() {
  echo "$1" >&2
  exit 1
}

first=$("$1") && fail "$1 found nothing"
seed=$(sed -n 's/^seed \([0-9]*\): nobody can run.*/\1/p' <<<"$first")
[[ -n $seed ]] || fail "$1 does not say the seed: $first"

again=$(COLIBRI_SEED=$seed "$1") && fail "seed $seed does not have it again"
# Addresses and the numbers of coroutines are others each time.
without_numbers() { sed 's/0x[0-9a-f]*//; s/coroutine [0-9]*//; s/#[0-9]*//g' <<<"$1"; }
diff <(without_numbers "$first") <(without_numbers "$again") || fail "seed $seed went another way"

"$1" --fixed || fail "$1 --fixed failed"
