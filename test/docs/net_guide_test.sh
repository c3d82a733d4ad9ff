#!/bin/bash
# The code in docs/net.md is that of net_guide.cc between its marks, which is compiled.
#
#   net_guide_test.sh NET_MD NET_GUIDE_CC
set -euo pipefail

blocks=$(sed -n '/^```cpp$/,/^```$/p' "$1" | sed '/^```/d')
[[ -n $blocks ]] || { echo "$1 has no code"; exit 1; }
diff --label "$2" <(sed -n '/^\/\/ \[\[$/,/^\/\/ \]\]$/p' "$2" | sed '/^\/\/ \(\[\[\|\]\]\)$/d') \
     --label "$1" <(echo "$blocks")
