#!/bin/bash
# Runs a test program again, with shared stacks as the default of every scheduler.
#
#   on_shared_stacks.sh PROGRAM
COLIBRI_STACK=shared:3x256k exec "$@"
