#!/bin/bash
# Each thread_local variable of the preloaded library has a place of its own: gold gives none to those of
# local linkage in the initial-exec model, whose relocations name no symbol then.
#
#   variable_places_test.sh LIBRARY
set -uo pipefail

places=$(readelf -rW "$1" | grep R_X86_64_TPOFF64 | awk '{print $5}')
[[ -n $places ]] || { [[ $(uname -m) != x86_64 ]] && exit 0; echo "FAILED: found no places"; exit 1; }
if grep -qv '^_Z\|^colibri_' <<<"$places"; then
  echo "FAILED: places without a variable: $places"
  exit 1
fi
