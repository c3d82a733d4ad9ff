#!/bin/bash
# Whatever other names libc exports a hooked call under are hooked, too, or listed here with the
# reason.
#
#   aliases_test.sh HOOKED_NAMES_H
set -euo pipefail

# exceptions: a pattern and the reason, a line each.
exceptions() {
  cat <<'LIST'
__pthread_*    libc itself alone called these, in versions before 2.34
LIST
}

libc=$(ldd "$BASH" | awk '$1 == "libc.so.6" { print $3 }')
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sed -n 's/^ *"\([a-zA-Z0-9_]*\)",$/\1/p' "$1" | sort >"$work/hooked"
# Address and name of each function, but for what only libc's kin may import.
nm -D --defined-only "$libc" | awk '$2 ~ /[TWi]/ && $3 !~ /GLIBC_PRIVATE/ { sub(/@.*/, "", $3); print $1, $3 }' |
  sort -u >"$work/exported"
awk 'NR == FNR { hooked[$1]; next } $2 in hooked { print $1 }' "$work/hooked" "$work/exported" |
  sort -u >"$work/addresses"
join "$work/addresses" "$work/exported" | awk '{ print $2 }' | sort -u >"$work/names"

[[ $(wc -l <"$work/names") -gt 100 ]] || { echo "looks into the wrong libc: $libc"; exit 1; }
for name in read __read __waitpid; do
  grep -qx "$name" "$work/names" || { echo "$libc does not export $name"; exit 1; }
done

status=0
for name in $(comm -13 "$work/hooked" "$work/names"); do
  excepted=
  while read -r pattern reason; do
    [[ $name != $pattern ]] || excepted=$reason
  done < <(exceptions)
  if [[ -z $excepted ]]; then
    echo "libc exports a hooked call as $name, too, which is not hooked"
    status=1
  fi
done
exit $status
