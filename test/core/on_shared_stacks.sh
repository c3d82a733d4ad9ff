#!/bin/bash
# Runs a test program again, with shared stacks as the default of every scheduler.
#
#   on_shared_stacks.sh none|shared PROGRAM      (the first: see checked_stacks.h)
export COLIBRI_CHECK=$1 COLIBRI_STACK=shared:3x256k
shift
exec "$@"
