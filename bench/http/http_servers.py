"""The HTTP servers that can be compared, each answering every request with "hello" as plain text."""

import collections
import contextlib
import pathlib
import socket
import tempfile
import time

import echo_servers
import pinned_process

BASE = "colibri"
NAMES = (BASE, "go", "nginx")

Serving = collections.namedtuple("Serving", "process_id url")

# One process, which does what the others do: no log, and connections stay.
_NGINX = """
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
worker_rlimit_nofile 20000;
events {{ worker_connections 10000; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{ default_type text/plain; return 200 "hello\\n"; }}
  }}
}}
"""


def program_of(name):
    """The path of the server's program; None if it is absent."""
    places = {BASE: "samples/http_hello", "go": "bench/http/go_server", "nginx": "nginx"}
    return echo_servers.find_program(places[name])


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def serving(name, core):
    """Yields a Serving of the server, which runs meanwhile on this core."""
    if name == "nginx":
        with _serving_nginx(core) as server:
            yield server
        return
    command = [program_of(name), "--port", "0"]
    with pinned_process.started(command, core) as (process, output):
        found = pinned_process.wait_for_text(process, output, r"listening on (\S+)\n", seconds=10)
        yield Serving(process.pid, f"http://{found[1]}/hello")


@contextlib.contextmanager
def _serving_nginx(core):
    port = _free_port()  # nginx does not say which one it has got
    with tempfile.TemporaryDirectory() as folder:
        settings = pathlib.Path(folder, "nginx.conf")
        settings.write_text(_NGINX.format(port=port))
        command = [program_of("nginx"), "-p", folder, "-c", str(settings)]
        with pinned_process.started(command, core) as (process, output):
            _wait_until_accepted(process, output, port, seconds=10)
            yield Serving(process.pid, f"http://127.0.0.1:{port}/hello")


def _wait_until_accepted(process, output, port, seconds):
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise pinned_process.RunFailed(f"nginx does not serve: {pinned_process.text_of(output)}")
