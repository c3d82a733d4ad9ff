"""Clients that speak to an echo server through a SOCKS5 proxy, and check every byte.

  socks_load.py PROXY_PORT [--clients=N] [--rounds=N] [--bytes=N] [--hold]

All connections are opened first, and stay; then each sends a message of its own and waits for it to
come back, `rounds` times, all at the same time. Prints one line of JSON: `messages` that came back
whole, and what went `wrong`. With --hold it says "open" once all connections stand and "done" when
all messages are through, and waits for a line on standard input each time, so that the proxy can be
looked at.
"""
import argparse
import json
import multiprocessing
import resource
import select
import socket
import struct
import sys

GREETING = b"\x05\x01\x00"
ACCEPTED = b"\x05\x00"
REPLY_BYTES = 10  # to a connection by an IPv4 address


def allow_descriptors():
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def serve_echo(listener):
    """One process for all: never returns."""
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    connections = {}
    while True:
        for number, _ in poll.poll():
            if number == listener.fileno():
                connection, _ = listener.accept()
                connections[connection.fileno()] = connection
                poll.register(connection, select.EPOLLIN)
                continue
            connection = connections[number]
            try:
                data = connection.recv(65536)
                if data:
                    connection.sendall(data)
                    continue
            except OSError:
                pass
            poll.unregister(number)
            connections.pop(number).close()


def receive(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError("the proxy hung up")
        data += more
    return data


def open_through(proxy_port, target):
    connection = socket.create_connection(("127.0.0.1", proxy_port), timeout=60)
    connection.sendall(GREETING)
    if receive(connection, 2) != ACCEPTED:
        raise ConnectionError("the proxy did not accept")
    host, port = target
    connection.sendall(b"\x05\x01\x00\x01" + socket.inet_aton(host) + struct.pack(">H", port))
    reply = receive(connection, REPLY_BYTES)
    if reply[1] != 0:
        raise ConnectionError(f"the proxy answered {reply[1]}")
    return connection


def message_of(client, number, size):
    """Different for every client and round, so that no other's can be taken for it."""
    stamp = f"{client}:{number};".encode()
    return (stamp * (size // len(stamp) + 1))[:size]


def talk(connections, rounds, size):
    """Returns how many messages came back whole, and how many did not."""
    poll = select.epoll()
    for client, connection in enumerate(connections):
        poll.register(connection, select.EPOLLIN)
    client_of = {connection.fileno(): i for i, connection in enumerate(connections)}
    sent = [0] * len(connections)
    got = [b""] * len(connections)
    whole = wrong = open_clients = 0

    def send_next(client):
        connections[client].sendall(message_of(client, sent[client], size))
        sent[client] += 1
        got[client] = b""

    for client in range(len(connections)):
        send_next(client)
        open_clients += 1
    while open_clients:
        events = poll.poll(60)
        if not events:
            return whole, wrong + open_clients
        for number, _ in events:
            client = client_of[number]
            data = connections[client].recv(65536)
            got[client] += data
            if data and len(got[client]) < size:
                continue
            if got[client] == message_of(client, sent[client] - 1, size):
                whole += 1
            else:
                wrong += 1
            if data and sent[client] < rounds:
                send_next(client)
            else:
                poll.unregister(number)
                open_clients -= 1
    return whole, wrong


def wait_for_word(word):
    print(word, flush=True)
    sys.stdin.readline()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("proxy_port", type=int)
    parser.add_argument("--clients", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--bytes", type=int, default=64)
    parser.add_argument("--hold", action="store_true")
    options = parser.parse_args()
    allow_descriptors()
    listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
    multiprocessing.Process(target=serve_echo, args=(listener,), daemon=True).start()
    connections = [
        open_through(options.proxy_port, listener.getsockname()) for _ in range(options.clients)
    ]
    if options.hold:
        wait_for_word("open")
    whole, wrong = talk(connections, options.rounds, options.bytes)
    if options.hold:
        wait_for_word("done")
    print(json.dumps({"messages": whole, "wrong": wrong}), flush=True)
    sys.exit(0 if wrong == 0 and whole == options.clients * options.rounds else 1)


if __name__ == "__main__":
    main()
