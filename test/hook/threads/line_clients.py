"""Clients of line_server.py, all connected at the same time, check each line of theirs.

  line_clients.py PORT CLIENTS

Prints how many lines were right."""
import resource
import socket
import sys

port, count = int(sys.argv[1]), int(sys.argv[2])
_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
clients = [socket.create_connection(("127.0.0.1", port), timeout=60) for _ in range(count)]
right = 0
for number in range(3):
    for i, client in enumerate(clients):
        client.sendall(f"line {number} of {i}\n".encode())
    for i, client in enumerate(clients):
        line = b""
        while not line.endswith(b"\n"):
            more = client.recv(1000)
            if not more:
                sys.exit("the server hung up")
            line += more
        right += line == f"LINE {number} OF {i}\n".encode()
print(right)
