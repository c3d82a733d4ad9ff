#!/bin/bash
# Programs that talk to real servers do so under `colibri run` as ever, whether or not the servers
# are under it, too.
#
#   programs_test.sh COLIBRI LIBRARY WITH_SERVERS REQUESTS_PY [--servers-too]
set -uo pipefail

colibri=$PWD/$1 requests=$PWD/$4
readonly SERVERS=(redis memcached postgres http https openssl iperf3)
if [[ -z ${CERTIFICATE:-} ]]; then
  [[ $# == 4 ]] && exec "$3" "${SERVERS[@]}" -- "$0" "$@"
  # A copy that the servers' user may run.
  copy=$(mktemp -d)
  trap 'rm -rf "$copy"' EXIT
  cp "$1" "$2" "$copy" && chmod 755 "$copy"
  "$3" --under "$copy/colibri" "${SERVERS[@]}" -- "$0" "$@"
  exit
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source test/support/same_program.sh

# works NAME INPUT COMMAND...: the same both ways, which is success and some output.
works() {
  plain=none
  same "$@"
  [[ $plain == 0 && -s $work/plain ]] ||
    complain "$1: status $plain without colibri: $(head -5 "$work/plain_errors")"
}

# sum_of FILE: what iperf3 reports in the end.
sum_of() {
  python3 -c 'import json, sys
report = json.load(open(sys.argv[1]))
print(len(report["end"]["streams"]), report["end"]["sum_sent"]["bytes"])' "$1"
}

# That colibri really is in the servers.
if [[ $# == 5 ]]; then
  for server in "${SERVERS[@]^^}"; do
    process=${server}_PID
    grep -q libcolibri_preload "/proc/${!process}/maps" || complain "$server is not under colibri"
  done
fi

seq 1 200000 >"$HTTP_FOLDER/numbers"
cp "$HTTP_FOLDER/numbers" "$HTTPS_FOLDER/numbers"
readonly HTTP=http://127.0.0.1:$HTTP_PORT HTTPS=https://127.0.0.1:$HTTPS_PORT
readonly DATABASE=(/usr/lib/postgresql/15/bin/psql --no-psqlrc --username test --dbname postgres
  --port "$POSTGRES_PORT")

works 'curl, HTTP' '' curl -sS "$HTTP/file/numbers"
works 'curl, HTTPS' '' curl -sS --cacert "$CERTIFICATE" "$HTTPS/file/numbers"
works 'curl, parallel' '' curl -sS --no-progress-meter --parallel --cacert "$CERTIFICATE" \
  "$HTTPS/file/numbers" "$HTTPS/file/numbers?again" -o "$work/one" -o "$work/other" -w '%{http_code}'
cmp "$work/one" "$HTTP_FOLDER/numbers" && cmp "$work/other" "$HTTP_FOLDER/numbers" ||
  complain 'curl, parallel: other files'
works 'curl, a name' '' curl -sS "http://localhost:$HTTP_PORT/file/numbers"
same 'curl, what is not there' '' curl -sS --fail "$HTTP/file/nothing"
same 'curl, a stranger' '' curl -sS "$HTTPS/file/numbers"
works 'wget, HTTP' '' wget -q -O - "$HTTP/file/numbers"
works 'wget, HTTPS' '' wget -q -O - --ca-certificate="$CERTIFICATE" "$HTTPS/file/numbers"
same 'wget, what is not there' '' wget -q -O - "$HTTP/file/nothing"

works 'redis-cli' '' redis-cli -p "$REDIS_PORT" ping
works 'redis-cli, standard input' $'set key value\nget key\nlrange none 0 -1' \
  redis-cli -p "$REDIS_PORT"
works 'redis-cli, a time-out of the server' '' redis-cli -p "$REDIS_PORT" blpop none 0.05
works 'redis-cli, many' "$(printf 'set key:%d value\n' {1..2000})" redis-cli -p "$REDIS_PORT" --pipe
works 'psql by TCP' '' "${DATABASE[@]}" --host 127.0.0.1 \
  --command 'select i, i * i from generate_series(1, 2000) i'
works 'psql by a Unix socket' $'create temporary table t (i int);
copy t from stdin;\n1\n2\n\\.\nselect sum(i), pg_sleep(0.01) from t;\n\\d t' \
  "${DATABASE[@]}" --host "$POSTGRES_FOLDER"
same 'psql, an error' 'select nothing' "${DATABASE[@]}" --host 127.0.0.1 --set ON_ERROR_STOP=1

works 'python3' '' python3 "$requests"
works 'nc' $'PING\r\nQUIT\r' nc 127.0.0.1 "$REDIS_PORT"
works 'nc, a multi-threaded server' $'set key 0 0 5\r\nvalue\r\nget key\r\nquit\r' \
  nc 127.0.0.1 "$MEMCACHED_PORT"
same 'nc, only looking' '' nc -v -z 127.0.0.1 "$REDIS_PORT"
[[ $plain == 0 ]] || complain "nc, only looking: status $plain without colibri"
works 'socat' $'SET key socat\r\nGET key\r\nQUIT\r' socat - "TCP:127.0.0.1:$REDIS_PORT"
works 'socat, TLS' 'one line' \
  socat -t 20 - "OPENSSL:127.0.0.1:$OPENSSL_PORT,cafile=$CERTIFICATE"
works 'socat, a child' 'one line' socat - EXEC:'tr a-z A-Z'

# iperf3 measures, which comes out differently each time.
for way in '' --reverse; do
  for runner in '' "$colibri run"; do
    # Unquoted: nothing, or words.
    timeout 60 $runner iperf3 --client 127.0.0.1 --port "$IPERF3_PORT" --parallel 4 --bytes 2M \
      --json $way >"$work/report" || complain "${runner:-plain} iperf3 $way: status $?"
    read -r streams bytes < <(sum_of "$work/report")
    [[ $streams == 4 ]] && ((bytes >= 2097152)) ||
      complain "${runner:-plain} iperf3 $way: $streams streams, $bytes bytes"
  done
done

exit "$status"
