#!/usr/bin/env python3
"""Does load_test see what other loaders see? The same server under each in turn, in rounds.

  bazel run --config=opt //bench/echo:compare_loaders
  ... -- --rounds 5 --connections 16,64 --anyway

Echo: the hand-written epoll server under load_test and under this benchmark's own loader, which is
a plain epoll loop. HTTP: nginx returning a constant, under load_test and under wrk. Each also behind
a row of nginx's proxies, on the server's core, so that the server is slow, and the loaders have time
left. Server on one core, loader on another. Figures are medians over the rounds, and those of
load_test are given as ratios to the other loader's of the same round. It refuses to measure on a
machine that is busy with something else, unless told --anyway.

A loader that is busy all the time measures itself: the last column says how busy load_test was.
"""

import argparse
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import statistics
import sys
import tempfile
import time

import echo_servers
import pinned_process

QUIET_LOAD = 1.5  # of the last minute; this script itself makes some
FIGURES = ("rate", "p50_us", "p99_us")

PROXIES = 4  # in the row of a slow server

NGINX_CONFIGURATION = """
{module}
{user}
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
{servers}
"""

HTTP = """
http {{
  access_log off; keepalive_requests 1000000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  proxy_http_version 1.1; proxy_set_header Connection "";
  {proxies}
  server {{ listen {last}; location / {{ return 200 "hello\\n"; }} }}
}}
"""
HTTP_PROXY = """
  upstream next{number} {{ server {to}; keepalive 64; keepalive_requests 1000000000; }}
  server {{ listen {at}; location / {{ proxy_pass http://next{number}; }} }}
"""

STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"
STREAM = "stream {{ {proxies} }}"
STREAM_PROXY = "server {{ listen {at}; proxy_pass {to}; }}"


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", default="16,64", help="numbers, with commas")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--loader-core", type=int, default=1)
    parser.add_argument("--anyway", action="store_true", help="measure on a busy machine, too")
    arguments = parser.parse_args()
    arguments.connections = [int(number) for number in arguments.connections.split(",")]
    missing = {arguments.server_core, arguments.loader_core} - os.sched_getaffinity(0)
    if missing:
        parser.error(f"core {missing.pop()} is not there; see --server-core and --loader-core")
    return arguments


class Loaders:
    """The loaders, each a method that puts a port under load and returns its FIGURES."""

    def __init__(self, arguments):
        self.arguments = arguments
        self.load_test = program("samples/load_test/load_test")
        self.plain_loader = program("bench/echo/loader")
        self.wrk = shutil.which("wrk")

    def by_load_test(self, port, connections, *more):
        report = json.loads(self._run(
            [self.load_test, "--json", "--port", port, "--connections", connections,
             "--warmup", "0.5", "--duration", self.arguments.seconds, *more]))
        latency = report["latency_us"]
        return {"rate": report["messages_per_second"], "p50_us": latency["p50"],
                "p99_us": latency["p99"], "busy": report["tester"]["busiest_thread"]}

    def by_load_test_http(self, port, connections):
        return self.by_load_test(port, connections, "--protocol", "http")

    def by_plain_loader(self, port, connections):
        report = json.loads(self._run(
            [self.plain_loader, "--json", "--port", port, "--connections", connections,
             "--warmup", "0.5", "--seconds", self.arguments.seconds]))
        return {"rate": report["messages_per_second"], "p50_us": report["p50_us"],
                "p99_us": report["p99_us"]}

    def by_wrk(self, port, connections):
        text = self._run([self.wrk, "--threads", 1, "--connections", connections, "--latency",
                          "--duration", f"{self.arguments.seconds}s", f"http://127.0.0.1:{port}/"])
        return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
                "p50_us": wrk_time(re.search(r"50%\s+(\S+)", text)[1]),
                "p99_us": wrk_time(re.search(r"99%\s+(\S+)", text)[1])}

    def _run(self, command):
        command = [str(word) for word in command]
        with pinned_process.started(command, self.arguments.loader_core) as (process, output):
            return pinned_process.finish(process, output, self.arguments.seconds + 60)


def program(name):
    path = echo_servers.find_program(name)
    if not path:
        sys.exit(f"{name} is absent; build //{name.rpartition('/')[0]}")
    return path


def wrk_time(text):
    """Microseconds of "1.25ms" and its like."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 1, "ms": 1e3, "s": 1e6, "m": 60e6}[unit]


@contextlib.contextmanager
def echo_server(core):
    command = [program("bench/baseline/epoll_server"), "--port", "0"]
    with pinned_process.started(command, core) as (process, output):
        yield pinned_process.wait_for_text(process, output, r"listening on \S+:(\d+)\n", 10)[1]


@contextlib.contextmanager
def nginx(core):
    with http_row(core, 0) as port:
        yield port


@contextlib.contextmanager
def slow_nginx(core):
    with http_row(core, PROXIES) as port:
        yield port


@contextlib.contextmanager
def slow_echo_server(core):
    """The echo server behind a row of relays."""
    with echo_server(core) as echo, tempfile.TemporaryDirectory() as folder:
        port = free_port()
        places = row_of_places(folder, port, PROXIES - 1) + [f"127.0.0.1:{echo}"]
        module = f"load_module {STREAM_MODULE};" if os.path.exists(STREAM_MODULE) else ""
        with started_nginx(core, folder, port, module,
                           STREAM.format(proxies=proxies_of(STREAM_PROXY, places))):
            yield port


@contextlib.contextmanager
def http_row(core, proxies):
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        places = row_of_places(folder, port, proxies)
        servers = HTTP.format(folder=folder, last=places[-1],
                              proxies=proxies_of(HTTP_PROXY, places))
        with started_nginx(core, folder, port, "", servers):
            yield port


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def row_of_places(folder, port, more):
    """Where clients come in, and what each proxy relays to."""
    return [f"127.0.0.1:{port}"] + [f"unix:{folder}/{number}" for number in range(more)]


def proxies_of(template, places):
    return "".join(template.format(number=number, at=at, to=to)
                   for number, (at, to) in enumerate(zip(places, places[1:])))


@contextlib.contextmanager
def started_nginx(core, folder, port, module, servers):
    configuration = pathlib.Path(folder, "nginx.conf")
    configuration.write_text(
        NGINX_CONFIGURATION.format(folder=folder, module=module, servers=servers,
                                   # Else it could not reach its own sockets in the folder.
                                   user="user root;" if os.geteuid() == 0 else ""))
    path = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
    with pinned_process.started([path, "-p", folder, "-c", str(configuration)], core) as (
            process, output):
        wait_for_port(process, output, port)
        yield


def wait_for_port(process, output, port):
    for _ in range(500):
        with socket.socket() as client:
            client.settimeout(1)
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise pinned_process.RunFailed(f"nginx does not listen: {pinned_process.text_of(output)}")


def compare(arguments, name, serving, ours, theirs):
    """Prints a line for each number of connections; `ours` and `theirs` take turns."""
    for connections in arguments.connections:
        rounds = []
        for number in range(arguments.rounds):
            turns = (ours, theirs) if number % 2 == 0 else (theirs, ours)
            figures = {}
            for loader in turns:
                with serving(arguments.server_core) as port:
                    figures[loader] = loader(port, connections)
            rounds.append((figures[ours], figures[theirs]))
        print_line(name, connections, rounds)


def print_line(name, connections, rounds):
    cells = [f"{name:26}{connections:5}"]
    for figure in FIGURES:
        mine = statistics.median(ours[figure] for ours, _ in rounds)
        other = statistics.median(theirs[figure] for _, theirs in rounds)
        ratio = statistics.median(ours[figure] / theirs[figure] for ours, theirs in rounds)
        cells.append(f"{mine:9.0f} {other:9.0f} {ratio:6.3f}")
    busy = statistics.median(ours["busy"] for ours, _ in rounds)
    print(" |".join(cells) + f" |{busy:5.2f}", flush=True)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    arguments = parse_arguments()
    load = os.getloadavg()[0]
    if load >= QUIET_LOAD and not arguments.anyway:
        sys.exit(f"the machine is busy (load {load:.2f} of the last minute); wait, or --anyway")
    loaders = Loaders(arguments)
    print(f"load of the minute before: {load:.2f}\n"
          f"{'load_test and':26}conns |  messages/s, both, ratio  |  p50 us, both, ratio      |"
          f"  p99 us, both, ratio      | busy")
    compare(arguments, "echo: plain epoll loader", echo_server,
            loaders.by_load_test, loaders.by_plain_loader)
    compare(arguments, "echo behind relays: same", slow_echo_server,
            loaders.by_load_test, loaders.by_plain_loader)
    if loaders.wrk:
        compare(arguments, "HTTP, nginx: wrk", nginx, loaders.by_load_test_http, loaders.by_wrk)
        compare(arguments, "HTTP behind proxies: wrk", slow_nginx,
                loaders.by_load_test_http, loaders.by_wrk)
    else:
        print("wrk is absent (Debian's package wrk): HTTP is left out")


if __name__ == "__main__":
    try:
        main()
    except pinned_process.RunFailed as failure:
        sys.exit(f"FAILED: {failure}")
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
