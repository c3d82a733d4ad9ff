#!/bin/bash
# A sample prints what its first comment says: what follows the comment's last line that ends in a
# colon, down to the first #include.
#
#   output_test.sh PROGRAM SOURCE ARGUMENTS...
set -euo pipefail

told=$(sed '/^#include/,$d; s|^// \{0,1\}||' "$2" | tac | sed '/:$/,$d' | tac)
diff <(sed '/./,$!d' <<<"$told") <("$1" "${@:3}") || { echo "$1 does not print what $2 says" >&2; exit 1; }
