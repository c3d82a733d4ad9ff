# For tests of `colibri run`, to be sourced: programs both ways. The test sets `colibri` (the
# command's path) and `work` (a folder for scratch), and exits with `status`.

status=0

complain() {
  echo "FAILED: $*"
  status=1
}

# same NAME INPUT COMMAND...: the same output, errors and exit status with and without colibri; leaves
# the status in `plain`, and the output in $work/plain. Programs that are not installed are named
# and passed over.
same() {
  local name=$1 input=$2 hooked
  shift 2
  if ! command -v "$1" >/dev/null; then
    echo "passed over: $1 is not installed"
    return
  fi
  timeout 60 "$@" <<<"$input" >"$work/plain" 2>"$work/plain_errors"
  plain=$?
  timeout 60 "$colibri" run "$@" <<<"$input" >"$work/hooked" 2>"$work/hooked_errors"
  hooked=$?
  [[ $plain == "$hooked" ]] || complain "$name: status $hooked, and $plain without colibri"
  cmp -s "$work/plain" "$work/hooked" ||
    complain "$name: other output: $(diff "$work/plain" "$work/hooked" | head -5)"
  cmp -s "$work/plain_errors" "$work/hooked_errors" ||
    complain "$name: other errors: $(diff "$work/plain_errors" "$work/hooked_errors" | head -5)"
}
