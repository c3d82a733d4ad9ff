#!/bin/sh
# No program gets an executable stack from us. One object file without .note.GNU-stack is enough
# for linkers to make it so.
#
#   executable_stack_test.sh PROGRAM ARCHIVES...
set -eu

program=$1
shift
if ! readelf --program-headers --wide "$program" | grep -q 'GNU_STACK.* RW  *0x'; then
  echo "$program: the stack is executable, or nothing is said of it"
  exit 1
fi
for archive in "$@"; do
  objects=$(readelf --file-header "$archive" | grep -c '^ELF Header:')
  notes=$(readelf --section-headers --wide "$archive" |
    grep '\.note\.GNU-stack' | grep -cv ' [A-Z]*X[A-Z]* ' || true)
  if [ "$objects" -eq 0 ] || [ "$objects" -ne "$notes" ]; then
    echo "$archive: $objects objects, but $notes that ask for a stack without execution"
    exit 1
  fi
done
