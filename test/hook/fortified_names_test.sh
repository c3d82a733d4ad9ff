#!/bin/sh
# The object that fortify_test calls really imports the fortified names; else it proves nothing.
set -eu
if readelf --string-dump=.comment "$1" | grep -q clang; then
  echo "clang calls the plain names"
  exit 0
fi
for name in __read_chk __recv_chk __recvfrom_chk __poll_chk __ppoll_chk; do
  if ! nm --undefined-only "$1" | grep -q " U $name\$"; then
    echo "$1 does not import $name"
    exit 1
  fi
done
