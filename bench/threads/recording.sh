#!/bin/bash
# Records Debian's microsocks under `colibri run --threads=coroutines`, as an animation for the
# README: everything in it is run, and takes the time that it takes.
#
#   bazel run --config=opt //bench/threads:recording -- FILE.svg
#
# To be started in a terminal, since that is what is recorded.
set -euo pipefail

readonly PORT=1080
readonly WIDE=100 HIGH=26
here=$PWD

# A command as if somebody typed it.
type_command() {
  local i
  printf '\033[1;32m$\033[0m '
  for ((i = 0; i < ${#1}; ++i)); do
    printf '%s' "${1:i:1}"
    sleep 0.02
  done
  sleep 0.4
  echo
}

say() { printf '\033[2m# %s\033[0m\n' "$1"; }

play() {
  PATH=$here:$PATH
  export COLIBRI_ADMIN=$scratch/admin
  # Nobody writes to it until the clients may go on.
  mkfifo "$scratch/held"
  exec 4<>"$scratch/held"

  say 'A SOCKS proxy as Debian ships it, with a thread a connection. Its threads become coroutines:'
  type_command "COLIBRI_ADMIN=admin colibri run --threads=coroutines microsocks -p $PORT &"
  colibri run --threads=coroutines microsocks -i 127.0.0.1 -p $PORT 2>"$scratch/log" &
  local proxy=$!
  sleep 1
  say 'Clients, each through the proxy to an echo server and back:'
  type_command "socks_load $PORT --clients=2000 --rounds=10 &"
  python3 "$here/bench/threads/socks_load.py" $PORT --clients=2000 --rounds=10 --hold <&4 \
    >"$scratch/said" &
  local clients=$!
  until grep -q open "$scratch/said"; do sleep 0.1; done
  echo '2000 connections are open'
  sleep 1
  say 'Threads of the system: one serves, one answers the next command, one writes into the log:'
  type_command "ls /proc/$proxy/task | wc -l"
  ls "/proc/$proxy/task" | wc -l
  sleep 2
  type_command "colibri bt $proxy | head -n 11"
  colibri bt "$proxy" | head -n 11 | cut -c "-$WIDE"
  sleep 5
  say 'Now the messages:'
  echo >&4
  until grep -q done "$scratch/said"; do sleep 0.1; done
  echo >&4
  wait "$clients"
  tail -n 1 "$scratch/said"
  sleep 3
  kill "$proxy"
}

if [[ ${1:-} == --play ]]; then
  scratch=$(mktemp -d)
  cd "$scratch"
  trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$scratch"' EXIT
  play
  exit
fi

[[ -t 0 ]] || { echo "recording: this is not a terminal" >&2; exit 1; }
[[ $# -eq 1 ]] || { echo "usage: recording FILE.svg" >&2; exit 2; }
for program in termtosvg microsocks; do
  command -v "$program" >/dev/null ||
    { echo "recording: $program is absent (Debian's package of that name)" >&2; exit 1; }
done
cd "${BUILD_WORKING_DIRECTORY:-.}"
file=$(realpath "$1")
cd "$here"
exec termtosvg "$file" --command "bash $here/bench/threads/recording.sh --play" \
  --screen-geometry "${WIDE}x$HIGH" --min-frame-duration 40 --loop-delay 4000 --template gjm8
