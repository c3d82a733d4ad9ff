#!/bin/bash
# Runs a test program again, with shared stacks as the default of every scheduler; under Valgrind
# where Bazel is told to (see bazel/valgrind).
#
#   on_shared_stacks.sh none|shared PROGRAM      (the first: COLIBRI_CHECK; see checked_stacks.h)
export COLIBRI_CHECK=$1 COLIBRI_STACK=shared:3x256k
shift
# Unquoted: a command and its options.
exec ${COLIBRI_RUN_UNDER:-} "$@"
