#!/usr/bin/env python3
"""What an idle connection takes of a server's own memory.

    bazel run --config=opt //bench/memory:idle_connections -- [--connections 19000] [--json]

Starts each server on a free port, opens the connections, lets each echo one message, and divides
the growth of the server's resident memory by their number. What the kernel keeps for a socket is
no part of it. "wait first" polls before the buffer is on the stack; "textbook" reads into a buffer
of 4 KiB on the stack of the coroutine, where it lies while the connection is idle.
"""

import argparse
import json
import os
import pathlib
import resource
import socket
import subprocess
import sys

# name: (program in Bazel's folder, arguments, COLIBRI_STACK)
SERVERS = {
    "shared stacks, wait first": ("samples/echo_server_posix", ["--wait-first"], "shared"),
    "shared stacks, textbook": ("samples/echo_server_posix", [], "shared"),
    "private stacks, wait first": ("samples/echo_server_posix", ["--wait-first"], "private"),
    "private stacks, textbook": ("samples/echo_server_posix", [], "private"),
    "hand-written epoll": ("bench/baseline/epoll_server", [], "private"),
}
MESSAGE = b"colibri " * 8
SPARE_DESCRIPTORS = 50
CONNECTIONS_A_SOURCE = 10_000  # a source address has some 28,000 ports, fewer while old ones rest
SECONDS_TO_WAIT = 30


def folder_of_programs():
    here = pathlib.Path(sys.argv[0]).absolute()
    for parent in here.parents:
        if parent.name.endswith(".runfiles"):
            return parent.parents[2]  # bin/bench/memory/idle_connections.runfiles
    return here.parents[2] / "bazel-bin"


def resident_bytes(pid):
    """Pages of the process that are in memory; the roll-up walks them, and does not lag behind."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith("Rss:"):
                return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/{pid}/smaps_rollup has no Rss")


def port_of(server):
    line = server.stdout.readline()
    if ":" not in line:
        raise RuntimeError(f"the server said {line!r} instead of where it listens")
    return int(line.rsplit(":", 1)[1].split()[0])


def connect(port, number):
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.settimeout(SECONDS_TO_WAIT)
    source = f"127.0.0.{2 + number // CONNECTIONS_A_SOURCE}"
    # Else a port would be taken that is free towards every server.
    connection.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
    connection.bind((source, 0))
    connection.connect(("127.0.0.1", port))
    return connection


def echo(connection):
    connection.sendall(MESSAGE)
    left = len(MESSAGE)
    while left > 0:
        size = len(connection.recv(left))
        if size == 0:
            raise RuntimeError("the server closed a connection")
        left -= size


def measure(command, stack, count):
    """Bytes a connection."""
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                              env={**os.environ, "COLIBRI_STACK": stack})
    connections = []
    try:
        port = port_of(server)
        before = resident_bytes(server.pid)
        for number in range(count):
            connections.append(connect(port, number))
            echo(connections[-1])
        return (resident_bytes(server.pid) - before) / count
    finally:
        for connection in connections:
            connection.close()
        server.terminate()
        server.wait(timeout=SECONDS_TO_WAIT)


def main():
    parser = argparse.ArgumentParser(description="memory of idle connections")
    parser.add_argument("--connections", type=int, default=19_000)
    parser.add_argument("--filter", default="", help="only servers whose name contains this")
    parser.add_argument("--folder", type=pathlib.Path, default=folder_of_programs(),
                        help="where the built programs are; else Bazel's")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard != resource.RLIM_INFINITY and options.connections + SPARE_DESCRIPTORS > hard:
        parser.error(f"a process may have {hard} descriptors: at most {hard - SPARE_DESCRIPTORS} "
                     "connections")
    if not options.json:
        print(f"{options.connections} idle connections; resident bytes of the server each")
    for name, (program, arguments, stack) in SERVERS.items():
        if options.filter not in name:
            continue
        command = [str(options.folder / program), *arguments, "--port", "0"]
        bytes_each = measure(command, stack, options.connections)
        if options.json:
            print(json.dumps({"server": name, "connections": options.connections,
                              "bytes_per_connection": round(bytes_each, 1)}), flush=True)
        else:
            print(f"{name:28} {bytes_each:10,.0f}", flush=True)


if __name__ == "__main__":
    main()
