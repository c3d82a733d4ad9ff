"""Clients of a step of the tutorial: steps_test.py PROGRAM STEP"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys

PATIENCE = 20  # seconds until a test gives up


@contextlib.contextmanager
def server(program, *arguments, listeners=1):
    """The running program, and the ports that it says."""
    process = subprocess.Popen([program, *arguments], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    try:
        yield process, [int(process.stdout.readline().rsplit(":", 1)[1]) for _ in range(listeners)]
    finally:
        process.kill()
        process.wait()


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def receive(client, size):
    received = b""
    while len(received) < size and (part := client.recv(size - len(received))):
        received += part
    return received


def echo(client, message):
    client.sendall(message)
    assert receive(client, len(message)) == message, message


def threads(process):
    return len(os.listdir(f"/proc/{process.pid}/task"))


def step1(program):
    with server(program, "0") as (_, (port,)):
        first = connect(port)
        echo(first, b"first")
        second = connect(port)
        second.sendall(b"second")
        # Whoever is served would have answered the first one later.
        for _ in range(20):
            echo(first, b"again")
        assert not select.select([second], [], [], 0)[0], "two were served at once"
        first.close()
        assert receive(second, 6) == b"second"


def many_at_once(program, count):
    with server(program, "0") as (process, (port,)):
        clients = [connect(port) for _ in range(count)]
        for client in reversed(clients):  # the last one first: nobody waits for another
            echo(client, b"hello" * 1000)
        return threads(process)


def step2(program):
    assert many_at_once(program, 50) == 51


def step3(program):
    assert many_at_once(program, 200) == 1


def step4(program):
    with server(program, "0", "200") as (process, (port,)):
        silent = connect(port)
        assert silent.recv(1) == b"", "a silent client is still there"
        assert process.stderr.readline() == "a client took too long\n"
        echo(connect(port), b"quick")


def step5(program):
    with server(program, "0", "0", listeners=2) as (process, (port, metrics_port)):
        client = connect(port)
        echo(client, b"before")
        metrics = connect(metrics_port)
        metrics.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        answer = receive(metrics, 1_000_000).decode()
        assert answer.startswith("HTTP/1.0 200 OK\r\n"), answer
        assert '\ncolibri_coroutines{scheduler="' in answer, answer
        process.send_signal(signal.SIGTERM)
        # Not accepted any more, but who is there is served.
        for _ in range(PATIENCE * 100):
            try:
                connect(port).close()
            except ConnectionError:
                break
        else:
            raise AssertionError("it still accepts")
        echo(client, b"after")
        client.close()
        output, _ = process.communicate(timeout=PATIENCE)
        assert "all clients were served to their end\n" in output, output
        assert process.returncode == 0, process.returncode


if __name__ == "__main__":
    globals()[sys.argv[2]](sys.argv[1])
