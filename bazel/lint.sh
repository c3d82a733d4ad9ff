#!/bin/bash
# What clang-tidy has to say of files, or of all: bazel run //:lint [-- FILES...]
#
#   bazel run //:lint -- --since COMMIT   of those that differ from COMMIT's
#
# The last line is the number of findings; the status says whether there are any.
set -euo pipefail
cd "$BUILD_WORKSPACE_DIRECTORY"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Headers are included as "colibri/core/task.h".
ln -s "$PWD" "$scratch/colibri"

readonly ALL=('core/*.cc' 'hook/*.cc' 'net/*.cc' 'samples/*.cc')
list_files() {
  case "${1:-}" in
    '') git ls-files "${ALL[@]}" ;;
    # Headers by themselves: what includes them may not have changed.
    --since) git diff --name-only --diff-filter=d "$2" -- "${ALL[@]}" "${ALL[@]/%.cc/.h}" ;;
    *) printf '%s\n' "$@" ;;
  esac
}
mapfile -t files < <(list_files "$@")
if [[ ${#files[@]} -eq 0 ]]; then echo "0 findings in 0 files"; exit; fi

# Two switches that Bazel gives its compiler: hooks are what a fortified call would go round. Of one
# that ends in another way than with findings, that is the finding.
check_file() {
  local status=0
  clang-tidy --quiet "$2" -- -x c++ -std=c++20 -D_GNU_SOURCE -U_FORTIFY_SOURCE -I. -I"$1" \
    -I/usr/include/postgresql 2>/dev/null || status=$?
  if [[ $status -gt 1 ]]; then echo "$2:1:1: error: clang-tidy ended with $status"; fi
}
export -f check_file
printf '%s\0' "${files[@]}" |
  xargs -0 -r -n 1 -P "${COLIBRI_LINT_JOBS:-$(nproc)}" \
    bash -c 'check_file "$0" "$1"' "$scratch" >"$scratch/said"
# A finding in a header is said once for each file that includes it, by one path or another.
grep -E '^[^ ]+:[0-9]+:[0-9]+: (warning|error): ' "$scratch/said" |
  sed "s|^$PWD/||; s|^$scratch/colibri/||" | sort -u >"$scratch/findings" || true
cat "$scratch/findings"
echo "$(wc -l <"$scratch/findings") findings in ${#files[@]} files"
[[ ! -s $scratch/findings ]]
