#!/bin/bash
# Runs a test program again, with io_uring as the engine of every scheduler.
#
#   on_io_uring.sh PROGRAM
COLIBRI_ENGINE=io_uring exec "$@"
