#!/bin/bash
# --threads=native:REGEX keeps threads of such names as they are, and makes coroutines of the others.
#
#   native_threads_test.sh COLIBRI NATIVE_THREADS
set -uo pipefail

colibri=$1 program=$2
status=0

# Of each thread: what it returned if it had a thread to itself, otherwise -1.
expect() {
  local said
  said=$(timeout 60 "$colibri" run --threads="$1" "$program" | xargs)
  [[ $said == "$2" ]] && return
  echo "FAILED: --threads=$1: $said, and not $2"
  status=1
}
expect native 'compute 7 serve 8'
expect coroutines 'compute -1 serve -1'
expect native:compute 'compute 7 serve -1'
expect 'native:^(serve|nobody)$' 'compute -1 serve 8'
expect native:erv 'compute -1 serve 8'
expect native:no_such_name 'compute -1 serve -1'
expect 'native:^native_threads' 'compute 7 serve 8'

said=$(timeout 60 "$colibri" run --threads='native:(' "$program" 2>&1)
[[ $? == 2 && $said == *'no regular expression'* ]] || { echo "FAILED: said $said of ("; status=1; }
timeout 60 "$colibri" run --threads=fibres "$program" 2>/dev/null && { echo "FAILED: took fibres"; status=1; }
exit $status
