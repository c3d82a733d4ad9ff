#!/bin/bash
# Puts all C++ of the project into its format: bazel run //:format [-- --check]
set -euo pipefail
cd "$BUILD_WORKSPACE_DIRECTORY"

mode=-i
if [[ ${1:-} == --check ]]; then mode='--dry-run -Werror'; fi
# Unquoted: several options.
git ls-files -z '*.cc' '*.h' | xargs -0 clang-format $mode
