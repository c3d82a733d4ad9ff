#!/bin/bash
# Runs tests under the allocators that bazel/setup installs, on both kinds of stack. Each keeps its
# thread's cache by a key of pthread_key_create, which no coroutine's end may tear down.
#
#   allocators_test.sh PROGRAM...
set -uo pipefail

status=0
for name in libjemalloc.so.2 libtcmalloc_minimal.so.4 libmimalloc.so.2; do
  library=$(compgen -G "/usr/lib/*-linux-gnu/$name") || {
    echo "FAILED: there is no $name; bazel/setup installs it"
    exit 1
  }
  for program in "$@"; do
    for stacks in private shared:3x256k; do
      # In an environment of its own: the tools below are not what is tested.
      env LD_PRELOAD="$library" COLIBRI_STACK=$stacks COLIBRI_CHECK=none \
        timeout 60 "$program" >"$TEST_TMPDIR/output" 2>&1 && continue
      echo "FAILED: $program under $name, stacks $stacks: status $?"
      tail -30 "$TEST_TMPDIR/output"
      status=1
    done
  done
done
exit $status
