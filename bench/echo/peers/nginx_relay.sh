#!/bin/bash
# nginx as a relay of TCP, in one process that is this one, so that its CPU time can be read.
#
#   nginx_relay.sh UPSTREAM_PORT
#   listening on 127.0.0.1:PORT
set -euo pipefail

readonly MODULE=/usr/lib/nginx/modules/ngx_stream_module.so  # Debian's package libnginx-mod-stream
PATH+=:/usr/sbin
folder=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$folder/nginx.conf" <<CONFIGURATION
load_module $MODULE;
daemon off; master_process off; pid $folder/pid; error_log $folder/error.log;
events { worker_connections 16384; }
stream { server { listen 127.0.0.1:$port backlog=4096; proxy_pass 127.0.0.1:$1; } }
CONFIGURATION

(
  until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.02; done
  rm -r "$folder"  # it has read, and has opened, what is there
  echo "listening on 127.0.0.1:$port"
) &
exec nginx -p "$folder" -c "$folder/nginx.conf"
