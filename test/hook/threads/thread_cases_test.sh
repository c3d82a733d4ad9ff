#!/bin/bash
# POSIX threads are to a program as coroutines what they are natively: it prints the same.
#
#   thread_cases_test.sh COLIBRI THREAD_CASES
set -uo pipefail

colibri=$1 cases=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

complain() {
  echo "FAILED: $*"
  status=1
}

timeout 60 "$cases" >"$work/native" || complain "natively: status $?"
(($(wc -l <"$work/native") >= 30)) || complain "only $(wc -l <"$work/native") cases"
for stack in '' --stack=private:256k; do
  timeout 60 "$colibri" run --threads=coroutines $stack "$cases" >"$work/coroutines" ||
    complain "as coroutines $stack: status $?"
  diff "$work/native" "$work/coroutines" || complain "natively (<) and as coroutines (>) $stack"
done

says() {
  local said
  said=$(timeout 60 "$colibri" run --threads=coroutines "$cases" "$1")
  [[ $said == "$1: $2" ]] || complain "$said, and not $2"
}
# What POSIX leaves open, and where libc waits for ever.
says join_of_each_other EDEADLK
says two_joiners 'EINVAL 1'
# Four megabytes, which a stack has unless --stack says less.
says stacks_of_the_usual_size 1

exit $status
