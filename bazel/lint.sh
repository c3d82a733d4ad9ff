#!/bin/bash
# What clang-tidy has to say of files, or of all: bazel run //:lint [-- FILES...]
#
# The last line is the number of findings; the status says whether there are any.
set -euo pipefail
cd "$BUILD_WORKSPACE_DIRECTORY"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Headers are included as "colibri/core/task.h".
ln -s "$PWD" "$scratch/colibri"

mapfile -t files < <(if [[ $# -gt 0 ]]; then printf '%s\n' "$@"; else
  git ls-files 'core/*.cc' 'hook/*.cc' 'net/*.cc' 'samples/*.cc'; fi)
# Two switches that Bazel gives its compiler: hooks are what a fortified call would go round.
printf '%s\0' "${files[@]}" |
  xargs -0 -n 4 -P "$(nproc)" sh -c 'clang-tidy --quiet "$@" -- -std=c++20 -D_GNU_SOURCE \
    -U_FORTIFY_SOURCE -I. -I"$0" 2>/dev/null || true' "$scratch" >"$scratch/said"
# A finding in a header is said once for each file that includes it.
grep -E '^[^ ]+:[0-9]+:[0-9]+: (warning|error): ' "$scratch/said" | sort -u >"$scratch/findings" || true
sed "s|$PWD/||" "$scratch/findings"
echo "$(wc -l <"$scratch/findings") findings in ${#files[@]} files"
[[ ! -s $scratch/findings ]]
