#!/bin/bash
# Runs a script. Debian has no "python", which Bazel's own rules call.
#
#   python3.sh SCRIPT ARGUMENTS...
exec python3 "$@"
