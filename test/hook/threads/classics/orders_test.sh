#!/bin/bash
# A seed decides the order of threads that are coroutines: the same one twice makes the same, and many
# make many.
#
#   orders_test.sh COLIBRI PRODUCER_CONSUMER
set -uo pipefail

order_of() {
  timeout 60 "$colibri" run --threads=coroutines --seed="$1" "$program" turns
}
colibri=$1 program=$2
orders=$(for seed in {1..50}; do order_of $seed; done | sort -u | wc -l)
((orders >= 25)) || { echo "FAILED: only $orders orders by 50 seeds"; exit 1; }
for seed in {1..10}; do
  [[ $(order_of $seed) == "$(order_of $seed)" ]] || { echo "FAILED: two orders of seed $seed"; exit 1; }
done
said=$("$colibri" run --threads=coroutines --seed=x "$program" 2>&1)
[[ $? != 0 ]] || { echo "FAILED: took x for a seed, and said: $said"; exit 1; }
for seed in x 1x -1 18446744073709551616; do
  said=$(COLIBRI_SEED=$seed "$colibri" run --threads=coroutines "$program" 2>&1)
  [[ $? == 2 && $said == *'no number'* ]] || { echo "FAILED: COLIBRI_SEED=$seed: $said"; exit 1; }
done
