#!/bin/bash
# Runs a test under Valgrind; what Valgrind finds is a failure. Bazel starts it among the runfiles.
# Tests that are scripts run as they are: the shell's memory is not ours.
if [ "$(head -c 2 "$1")" = '#!' ]; then exec "$@"; fi
exec valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite "$@"
