#!/bin/bash
# `colibri run` leaves unmodified programs as they are, and `colibri doctor` tells what the hooks
# reach in them. Programs that are not installed are named and passed over.
#
#   command_test.sh COLIBRI STATIC_PROGRAM LINKED_PROGRAM OLD_NAMES_PROGRAM PROGRAM_WHOSE_MAIN_EXITS
set -uo pipefail

colibri=$PWD/$1 static=$2 linked=$3 old_names=$PWD/$4 main_exits=$PWD/$5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source test/support/same_program.sh

# A server and its clients, by sockets, threads and select.
cat >"$work/sockets.py" <<'PYTHON'
import select, socket, threading
listener = socket.create_server(("127.0.0.1", 0))
def serve():
    for _ in range(20):
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(1000):
                connection.sendall(data)
thread = threading.Thread(target=serve)
thread.start()
for i in range(20):
    with socket.create_connection(listener.getsockname()) as client:
        client.settimeout(10)
        client.sendall(b"x" * i + b"\n")
        select.select([client], [], [], 10)
        print(len(client.recv(1000)))
thread.join()
PYTHON

same 'arguments' '' echo -n one 'two  three'
same 'standard input' $'a\nb' cat
same 'an exit status' '' sh -c 'exit 7'
same 'pthread_exit in main' '' "$main_exits"
same 'a signal' '' sh -c 'kill -TERM $$'
same 'children and pipes' '' sh -c 'seq 1 2000 | sort -n | tail -1; true & wait; echo $?'
same 'the environment' '' sh -c 'env | grep -c -e COLIBRI -e LD_PRELOAD'
same 'what is not there' '' sh -c 'exec /nonexistent/program'
same 'sleeping' '' sleep 0.01
same 'errors' '' ls /nonexistent
same 'a script with sockets and threads' '' python3 "$work/sockets.py"
same 'subprocesses of a script' '' python3 -c \
  'import subprocess; print(subprocess.run(["sh", "-c", "cat; exit 3"], input=b"in", capture_output=True))'
same 'deep recursion' '' python3 -c \
  'import sys; sys.setrecursionlimit(20000); f = lambda n: n and 1 + f(n - 1); print(f(9000))'
same 'streams of popen' $'a\nb' sed -e '1e seq 1 3000' -e '2w /dev/stdout'
same 'streams on pipes' '' awk \
  'BEGIN { "seq 1 3000 | tail -1" | getline last; print last; print "b\na" | "sort"; close("sort") }'
same 'curl' '' curl --version
same 'a refused connection' '' curl -sS http://127.0.0.1:1/
same 'wget' '' wget -nv -O - http://127.0.0.1:1/
same 'psql' '' psql -h 127.0.0.1 -p 1 -c 'select 1'
same 'locks by names of old' '' "$old_names"
same 'perl' '' perl -e 'print join(",", map { $_ * 2 } 1..5), "\n"; exit 4'

# Scripts run with the hooks, also those that env looks up an interpreter for.
script() {
  printf '%s\n' "$2" 'grep -q libcolibri_preload /proc/$$/maps && echo hooked' 'echo "$0 $*"' 'exit 3' >"$work/$1"
  chmod +x "$work/$1"
}
script plain '#!/bin/sh'
script by_env '#!/usr/bin/env sh'
script by_env_with_options '#! /usr/bin/env  -S sh -u'
printf '%s\n' "#!/usr/bin/env $work/by_env" >"$work/twice"
chmod +x "$work/twice"
for name in plain by_env by_env_with_options; do
  "$colibri" run "$work/$name" one 'two  three' >"$work/output" 2>&1
  [[ $? == 3 ]] || complain "$name: another status"
  printf 'hooked\n%s\n' "$work/$name one two  three" | diff - "$work/output" || complain "$name"
done
"$colibri" run "$work/twice" one >"$work/output" 2>&1
printf 'hooked\n%s\n' "$work/by_env $work/twice one" | diff - "$work/output" || complain 'env twice'
(cd "$work" && PATH=.:$PATH "$colibri" run by_env) >"$work/output" 2>&1
printf 'hooked\n./by_env \n' | diff - "$work/output" || complain 'a script found in PATH'
printf '%s\n' '#!/usr/bin/env no-such-interpreter' >"$work/for_nobody"
chmod +x "$work/for_nobody"
same 'a script for an interpreter that is not there' '' "$work/for_nobody"
printf '%s\n' '#!/usr/bin/env -S A=b sh' 'echo $A' >"$work/with_a_variable"
chmod +x "$work/with_a_variable"
same 'a script for env with a variable' '' "$work/with_a_variable"
chmod -x "$work/by_env"
"$colibri" run "$work/by_env" 2>"$work/errors"
[[ $? == 126 ]] || complain "a script that is not executable: another status"

# doctor
"$colibri" doctor cat >"$work/doctor" 2>&1 || complain "doctor cat: status $?: $(cat "$work/doctor")"
grep -q 'hooked:.* read' "$work/doctor" || complain "doctor cat does not name read"
grep -q 'Every call by name comes to colibri' "$work/doctor" || complain 'doctor cat: no verdict'

"$colibri" doctor "$static" >"$work/doctor" 2>&1
[[ $? == 2 ]] || complain "doctor on a static program: another status"
grep -q 'linked statically' "$work/doctor" || complain "static: $(cat "$work/doctor")"

"$colibri" doctor "$linked" >"$work/doctor" 2>&1
[[ $? == 2 ]] || complain "doctor on a program that links colibri: another status"
grep -q 'needs no `colibri run`' "$work/doctor" || complain "linked: $(cat "$work/doctor")"

"$colibri" run /nonexistent/program 2>"$work/errors"
[[ $? == 127 ]] || complain "a program that is not there: another status"
grep -q 'No such file' "$work/errors" || complain "not there: $(cat "$work/errors")"
"$colibri" run 2>"$work/errors"
[[ $? == 2 ]] || complain "no program: another status"

exit $status
