"""Clients that are a nuisance to a server: `nuisances.py KIND PORT`.

Prints "ready" when it is in full swing, and goes on until it is ended. Each keeps to a few percent
of a core, so that the measuring client beside it has its core nearly for itself.
"""

import itertools
import os
import resource
import select
import socket
import struct
import sys
import time

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def connect(port, number=0):
    connection = socket.socket()
    # Else a port would be taken that is free towards every server.
    connection.setsockopt(socket.IPPROTO_IP, getattr(socket, "IP_BIND_ADDRESS_NO_PORT", 24), 1)
    connection.bind((f"127.0.0.{2 + number // 10_000}", 0))
    connection.connect(("127.0.0.1", port))
    return connection


def say_ready():
    print("ready", flush=True)


def silent(port):
    """5,000 connections that say nothing."""
    connections = [connect(port, number) for number in range(5_000)]
    say_ready()
    while connections:
        time.sleep(60)


def byte_by_byte(port):
    """500 connections that send a byte now and then, 1,000 bytes a second together."""
    connections = [connect(port) for _ in range(500)]
    say_ready()
    for connection in itertools.cycle(connections):
        connection.send(b"x")
        time.sleep(0.001)
        connection.setblocking(False)
        try:
            connection.recv(16)
        except BlockingIOError:
            pass
        connection.setblocking(True)


def never_reading(port):
    """100 connections that send as long as they can, and never read."""
    connections = []
    for _ in range(100):
        connection = connect(port)
        connection.setblocking(False)
        connections.append(connection)
    block = os.urandom(65_536)
    deadline = time.monotonic() + 20
    pending = set(connections)
    # The server stops reading from each once its own writes wait.
    while pending and time.monotonic() < deadline:
        _, writable, _ = select.select([], list(pending), [], 0.3)
        if not writable:
            break
        for connection in writable:
            try:
                connection.send(block)
            except BlockingIOError:
                pass
    say_ready()
    while connections:
        time.sleep(60)


def resetting(port):
    """200 connections a second that send 64 KiB and reset while the server writes."""
    block = os.urandom(65_536)
    say_ready()
    while True:
        connection = connect(port)
        connection.setblocking(False)
        try:
            connection.send(block)
        except BlockingIOError:
            pass
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        connection.close()
        time.sleep(0.005)


def hurried(port):
    """500 connections a second that come and go."""
    say_ready()
    while True:
        connect(port).close()
        time.sleep(0.002)


KINDS = {
    "silent": silent,
    "byte by byte": byte_by_byte,
    "never reading": never_reading,
    "resetting": resetting,
    "hurried": hurried,
}


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    KINDS[sys.argv[1]](int(sys.argv[2]))


if __name__ == "__main__":
    main()
