#!/bin/bash
# Builds the workspace that has colibri as a dependency, and looks whether its server serves. Not a
# test of Bazel's, which would have to run a Bazel within.
#
#   test/install/bazel_consumer.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d)
in_workspace() {
  (cd samples/consumers/bazel && bazel --output_base="$scratch/bazel" "$@")
}
finish() {
  in_workspace shutdown
  chmod -R u+w "$scratch"
  rm -rf "$scratch"
}
trap finish EXIT

in_workspace build --symlink_prefix=/ --noshow_progress --color=no //:echo
bin=$(in_workspace info bazel-bin 2>/dev/null)
python3 test/install/echo_check.py "$bin/echo"
