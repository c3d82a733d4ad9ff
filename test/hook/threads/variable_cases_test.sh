#!/bin/bash
# Thread-local variables are each thread's own where threads are coroutines, too, and one for all where
# that is asked for.
#
#   variable_cases_test.sh COLIBRI VARIABLE_CASES OWN_ALLOCATOR
set -uo pipefail

colibri=$1 cases=$2 allocator=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

complain() {
  echo "FAILED: $*"
  status=1
}

timeout 60 "$cases" >"$work/native" || complain "natively: status $?"
(($(wc -l <"$work/native") == 12)) || complain "$(wc -l <"$work/native") cases, and not 12"
for stack in '' --stack=private:256k; do
  timeout 60 "$colibri" run --threads=coroutines $stack "$cases" >"$work/coroutines" ||
    complain "as coroutines $stack: status $?"
  diff "$work/native" "$work/coroutines" || complain "natively (<) and as coroutines (>) $stack"
done

said=$(timeout 60 "$colibri" run --threads=coroutines --tls=share "$cases" are_one_for_all)
[[ $said == "are_one_for_all: 55 10" ]] || complain "with --tls=share: $said"
said=$(timeout 60 "$colibri" run --threads=coroutines "$cases" are_one_for_all)
[[ $said == "are_one_for_all: 10 0" ]] || complain "without: $said"

said=$(timeout 60 "$colibri" run --threads=coroutines "$allocator" 2>&1)
[[ $? == 2 && $said == *--tls=share* ]] || complain "an allocator in the program: $said"
said=$(timeout 60 "$colibri" run --threads=coroutines --tls=share "$allocator" 2>&1)
[[ $? == 0 && $said == counted ]] || complain "an allocator in the program, with --tls=share: $said"

"$colibri" doctor "$cases" >"$work/doctor" || complain "doctor: status $?"
named=$(grep -A2 -E '/(variable_cases|libvariables_library.so)$' "$work/doctor" |
  grep -c 'thread-local variables: [1-9]')
((named == 2)) || complain "doctor: variables of program and library: $(cat "$work/doctor")"

exit $status
