#!/bin/bash
# Compiles each installed header that users include, alone, with clang and its own standard library.
# libc++-14-dev is fetched and not installed: Debian's conflicts with libunwind-dev, which colibri is
# built with.
#
#   test/install/libcxx_headers.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if ! (cd "$scratch" && apt-get -qq download libc++-14-dev); then
  echo "skipped: libc++-14-dev cannot be fetched"
  exit
fi
dpkg-deb --extract "$scratch"/libc++-14-dev_*.deb "$scratch"
# Unquoted: several options.
bazel ${COLIBRI_BAZEL:-} run --config=opt --noshow_progress --color=no //:install -- \
  --prefix="$scratch/prefix"

headers=$(cd bazel/packaging && python3 -c 'import headers; print(*headers.PUBLIC)')
for header in $headers; do
  echo "$header"
  echo "#include <$header>" | clang++ -std=c++20 -Wall -Wextra -Wpedantic -Werror -fsyntax-only \
    -nostdinc++ -isystem "$scratch/usr/lib/llvm-14/include/c++/v1" -I"$scratch/prefix/include" \
    -x c++ -
done
