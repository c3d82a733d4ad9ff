#!/bin/bash
# The samples print what their first comments say, beside servers of this test's own.
#
#   samples_test.sh WITH_SERVERS OUTPUT_TEST FOLDER      (FOLDER: of the samples)
set -euo pipefail

if [[ -z ${CERTIFICATE:-} ]]; then
  exec "$1" redis postgres http -- "$0" "$@"
fi

# prints_as_told SAMPLE ARGUMENTS...
prints_as_told() {
  local sample=$1
  shift
  "$output_test" "$folder/$sample" "$folder/$sample.cc" "$@"
}

output_test=$2 folder=$3
echo 'Hello, world.' >"$HTTP_FOLDER/page"
readonly PAGES=http://127.0.0.1:$HTTP_PORT/file
prints_as_told redis "$REDIS_PORT"
prints_as_told postgres "host=$POSTGRES_FOLDER port=$POSTGRES_PORT user=test dbname=postgres"
prints_as_told curl "$PAGES/page" "$PAGES/page" "$PAGES/nothing" http://127.0.0.1:1/
