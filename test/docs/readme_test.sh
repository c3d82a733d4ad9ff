#!/bin/bash
# README opens with the code of samples/readme_echo.cc, without that file's first comment.
set -euo pipefail

diff --label samples/readme_echo.cc <(sed -n '/^#include/,$p' samples/readme_echo.cc) \
     --label README.md <(sed -n '/^```cpp$/,/^```$/p' README.md | sed '1d;/^```$/,$d')
