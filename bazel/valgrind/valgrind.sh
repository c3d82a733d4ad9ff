#!/bin/bash
# Runs a test under Valgrind; what Valgrind finds is a failure. Bazel starts it among the runfiles.
exec valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite \
  --suppressions=bazel/valgrind/libunwind.supp "$@"
