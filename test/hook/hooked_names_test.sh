#!/bin/sh
# core and net must reach libc through core/libc.h: with the hooks linked, a plain call of a hooked
# name would bind to the hook, and park in the midst of the scheduler.
#
# And the list of hooked names, which the doctor goes by, is that of the definitions.
#
#   hooked_names_test.sh HOOKED_NAMES_H ARCHIVES_OF_HOOK -- ARCHIVES_OF_CORE_AND_NET
set -eu

list=$1
shift

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

# C functions that hook's archives define; C++ names are mangled and begin with _Z, and assembly's
# own with colibri_.
while [ "$1" != -- ]; do
  nm --defined-only --extern-only "$1" >>"$work/defined"
  shift
done
shift
awk '$2 == "T" && $3 !~ /^_Z|^colibri_/ { print $3 }' "$work/defined" | sort -u >"$work/hooked"

sed -n 's/^ *"\([a-zA-Z0-9_]*\)",$/\1/p' "$list" | LC_ALL=C sort -u >"$work/listed"
LC_ALL=C sort -o "$work/hooked" "$work/hooked"
if ! diff "$work/listed" "$work/hooked"; then
  echo "hook/hooked_names.h (<) and the definitions (>) differ"
  status=1
fi

for name in read write close accept poll select epoll_wait nanosleep sigaction longjmp __read_chk \
  pthread_mutex_lock pthread_cond_wait syscall; do
  if ! grep -qx "$name" "$work/hooked"; then
    echo "hook defines no $name: this test looks into the wrong archives"
    status=1
  fi
done
if [ $# -lt 14 ]; then
  echo "only $# archives of core and net: this test looks into too few"
  status=1
fi

for archive in "$@"; do
  nm --undefined-only "$archive" 2>/dev/null | awk '$1 == "U" { print $2 }' | sort -u >"$work/called"
  for name in $(comm -12 "$work/hooked" "$work/called"); do
    echo "$archive calls the hooked name $name; it must call colibri::real::$name"
    status=1
  done
done
[ $status -ne 0 ] || echo "$(wc -l <"$work/hooked") hooked names, $# archives of core and net: none called"
exit $status
