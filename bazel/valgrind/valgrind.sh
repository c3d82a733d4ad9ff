#!/bin/bash
# Runs a test under Valgrind; what Valgrind finds is a failure. Bazel starts it among the runfiles.
# Tests that are scripts run as they are: the shell's memory is not ours. They may run their
# programs under $COLIBRI_RUN_UNDER.
#
# Tests that bring their own operator new keep it: they make it fail. libc is not made to free what
# it has at the end: helper threads are there, and refer to some of it by numbers alone.
readonly UNDER=(valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite
  --errors-for-leak-kinds=definite --run-libc-freeres=no
  --soname-synonyms=somalloc=nouserintercepts)
if [ "$(head -c 2 "$1")" = '#!' ]; then
  COLIBRI_RUN_UNDER=${UNDER[*]} exec "$@"
fi
exec "${UNDER[@]}" "$@"
