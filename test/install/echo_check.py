"""Whether an echo server of a consumer serves: python3 echo_check.py PROGRAM"""

import os
import re
import socket
import subprocess
import sys


def check_echo(program, variables=None):
    """Raises an exception unless it does; a client that is silent keeps no other waiting.

    `program` prints "listening on HOST:PORT"; `variables` are added to its environment.
    """
    server = subprocess.Popen([program], stdout=subprocess.PIPE, text=True,
                              env={**os.environ, **(variables or {})})
    try:
        line = server.stdout.readline()
        match = re.fullmatch(r"listening on \S+:(\d+)\n", line)
        if not match:
            raise AssertionError(f"{program} printed {line!r}")
        address = ("127.0.0.1", int(match[1]))
        with socket.create_connection(address), \
             socket.create_connection(address, timeout=30) as client:
            client.sendall(b"hello")
            answer = client.recv(100)
        if answer != b"hello":
            raise AssertionError(f"{program} answered {answer!r}")
    finally:
        server.kill()
        server.wait()
        server.stdout.close()


if __name__ == "__main__":
    check_echo(sys.argv[1])
