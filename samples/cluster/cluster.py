"""Four echo servers behind a proxy, on ports that are free.

  bazel run //samples/cluster -- --proxy haproxy
  echo servers: 37417 41235 33909 45571
  connect to 127.0.0.1:40719; Ctrl-C ends all

The proxy tells the servers who their clients are (PROXY protocol), asks them whether they are well,
and sends connections to those that are. haproxy.cfg and nginx.conf say how; cluster_test.py kills
and restarts servers under load. Ends what it has started, and nothing else.
"""

import argparse
import pathlib
import shutil
import signal
import socket
import string
import sys
import tempfile

from processes import Program, wait_until

HERE = pathlib.Path(__file__).parent
SERVERS = 4
# Longer than any connection lasts here: who is asked to stop ends when its last one has.
DRAIN_SECONDS = 60


class Cluster:
    """The servers and the proxy, which run while the `with` lasts."""

    def __init__(self, proxy, echo_server):
        """`proxy`: haproxy or nginx. `echo_server`: the path of the program."""
        self._proxy_name = proxy
        self._echo_server = echo_server
        self._scratch = tempfile.TemporaryDirectory(prefix="cluster")
        self.folder = pathlib.Path(self._scratch.name)
        self._programs = []
        self.servers = []
        self._entrance = None
        self.proxy = None

    def __enter__(self):
        try:
            self.servers = [self.start_server(number) for number in range(1, SERVERS + 1)]
            self._start_proxy()
        except BaseException as error:
            self.__exit__(type(error))
            raise
        return self

    def __exit__(self, error, *_):
        for program in reversed(self._programs):
            program.end()
            if error:
                print(f"--- {program.name}\n{program.output}", file=sys.stderr)
        if self._entrance:
            self._entrance.close()
        self._scratch.cleanup()

    @property
    def port(self):
        """Where clients connect to, on 127.0.0.1."""
        return self._entrance.getsockname()[1]

    def start(self, name, command, **more):
        """Starts a program that ends with the cluster at the latest."""
        program = Program(name, command, self.folder, **more)
        self._programs.append(program)
        return program

    def start_server(self, number, port=0):
        """Starts an echo server that believes proxies on this machine; knows its port then."""
        server = self.start(f"echo{number}", [
            self._echo_server, "--port", port, "--proxy", "127.0.0.1", "--drain", DRAIN_SECONDS])
        server.port = int(server.wait_for_output(r"listening on \S+:(\d+)\n")[1])
        return server

    def restart_server(self, index):
        """Replaces a server, as for a new version. Returns the old one, which serves those that are
        connected to it still."""
        old = self.servers[index]
        old.signal(signal.SIGTERM)
        wait_until(lambda: not _listens(old.port), f"{old.name} stops listening")
        self.servers[index] = self.start_server(index + 1, old.port)
        return old

    def _start_proxy(self):
        self._entrance = socket.socket()
        self._entrance.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._entrance.bind(("127.0.0.1", 0))
        variables = {"CLUSTER_FOLDER": str(self.folder), "ECHO_PORT": str(self.port)}
        for number, server in enumerate(self.servers, 1):
            variables[f"ECHO{number}_PORT"] = str(server.port)
        if self._proxy_name == "haproxy":
            self._start_haproxy(variables)
        else:
            self._start_nginx(variables)
        wait_until(lambda: _listens(self.port), f"{self._proxy_name} listens")

    def _start_haproxy(self, variables):
        self._entrance.listen(1024)
        descriptor = self._entrance.fileno()
        self.proxy = self.start(
            "haproxy", [_program("haproxy"), "-db", "-f", HERE / "haproxy.cfg"],
            variables={**variables, "ECHO_FD": str(descriptor)}, descriptors=[descriptor])
        self.wait_until_all_are_well()

    def _start_nginx(self, variables):
        text = (HERE / "nginx.conf").read_text(encoding="utf-8")
        configuration = self.folder / "nginx.conf"
        configuration.write_text(string.Template(text).substitute(variables), encoding="utf-8")
        self.proxy = self.start("nginx", [_program("nginx"), "-p", self.folder, "-c", configuration,
                                          "-e", "stderr"])

    def connections(self):
        """How many the kernel has from clients to the proxy, and [from the proxy to each server]."""
        clients, to_servers = 0, [0] * SERVERS
        ports = [server.port for server in self.servers]
        with open("/proc/net/tcp", encoding="ascii") as table:
            for _, local, remote, state, *_ in map(str.split, table):
                if state != "01":  # established
                    continue
                local_port, remote_port = (int(end.partition(":")[2], 16) for end in (local, remote))
                clients += remote_port == self.port
                if local_port in ports:
                    to_servers[ports.index(local_port)] += 1
        return clients, to_servers

    def wait_until_all_are_well(self):
        """Until HAProxy has had an answer of every server."""

        def are_well():
            if not (self.folder / "haproxy.sock").exists() and self.proxy.is_running:
                return False
            states = self.server_states()
            return all(each["status"] == "UP" and each["check_status"] == "L7OK" for each in states)

        wait_until(are_well, "HAProxy finds all servers well")

    def server_states(self):
        """What HAProxy knows of the servers: {column: text} of each, as in its manual, 9.1."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.folder / "haproxy.sock"))
            connection.sendall(b"show stat\n")
            answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        header, *rows = [line.split(",") for line in answer.lstrip("# ").splitlines() if line]
        states = [dict(zip(header, row)) for row in rows]
        return [state for state in states if state["svname"].startswith("echo")]


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _program(name):
    path = shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    if not path:
        raise FileNotFoundError(f"{name} is absent; bazel/setup installs it")
    return path


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--proxy", choices=["haproxy", "nginx"], default="haproxy")
    parser.add_argument("--echo-server", default="samples/echo_server", help="path of the program")
    arguments = parser.parse_args()
    with Cluster(arguments.proxy, arguments.echo_server) as cluster:
        print("echo servers:", *(server.port for server in cluster.servers))
        print(f"connect to 127.0.0.1:{cluster.port}; Ctrl-C ends all", flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            signal.pause()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
