"""Four echo servers and four HTTP servers behind a proxy, on ports that are free.

  bazel run //samples/cluster -- --proxy haproxy
  echo: connect to 127.0.0.1:40719, before 37417 41235 33909 45571
  http: connect to 127.0.0.1:35027, before 44151 39937 41091 36325

The proxy tells the echo servers who their clients are (PROXY protocol), asks all whether they are
well, and sends connections to those that are. haproxy.cfg and nginx.conf say how; cluster_test.py
kills and restarts servers under load. Ctrl-C ends what this has started, and nothing else.
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
SERVERS = 4  # of each kind
# Longer than any connection lasts here: who is asked to stop ends when its last one has.
DRAIN_SECONDS = 60
OPTIONS = {"echo": ["--proxy", "127.0.0.1", "--drain", DRAIN_SECONDS], "http": []}


class Cluster:
    """The servers and the proxy, which run while the `with` lasts."""

    def __init__(self, proxy, paths):
        """`proxy`: haproxy or nginx. `paths`: of the server of each kind, echo and http."""
        self._proxy_name = proxy
        self._paths = paths
        self._scratch = tempfile.TemporaryDirectory(prefix="cluster")
        self.folder = pathlib.Path(self._scratch.name)
        self._programs = []
        self._entrances = {}  # by kind, a socket with the port that clients connect to
        self.servers = {}  # by kind
        self.proxy = None

    def __enter__(self):
        try:
            numbers = range(1, SERVERS + 1)
            self.servers = {kind: [self._start_server(kind, number) for number in numbers]
                            for kind in self._paths}
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
        for entrance in self._entrances.values():
            entrance.close()
        self._scratch.cleanup()

    def port(self, kind):
        """Where clients connect to, on 127.0.0.1."""
        return self._entrances[kind].getsockname()[1]

    def start(self, name, command, **more):
        """Starts a program that ends with the cluster at the latest."""
        program = Program(name, command, self.folder, **more)
        self._programs.append(program)
        return program

    def restart_server(self, kind, index):
        """Replaces a server, as for a new version. Returns the old one, which serves those that are
        connected to it still."""
        old = self.servers[kind][index]
        old.signal(signal.SIGTERM)
        wait_until(lambda: not _listens(old.port), f"{old.name} stops listening")
        self.servers[kind][index] = self._start_server(kind, index + 1, old.port)
        return old

    def _start_server(self, kind, number, port=0):
        server = self.start(f"{kind}{number}",
                            [self._paths[kind], "--port", port, *OPTIONS[kind]])
        server.port = int(server.wait_for_output(r"listening on \S+:(\d+)\n")[1])
        return server

    def _start_proxy(self):
        variables = {"CLUSTER_FOLDER": str(self.folder)}
        for kind, servers in self.servers.items():
            entrance = self._entrances[kind] = socket.socket()
            entrance.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            entrance.bind(("127.0.0.1", 0))
            name = kind.upper()
            variables[f"{name}_PORT"] = str(self.port(kind))
            variables[f"{name}_FD"] = str(entrance.fileno())
            for number, server in enumerate(servers, 1):
                variables[f"{name}{number}_PORT"] = str(server.port)
        if self._proxy_name == "haproxy":
            self._start_haproxy(variables)
        else:
            self._start_nginx(variables)

    def _start_haproxy(self, variables):
        entrances = self._entrances.values()
        for entrance in entrances:
            entrance.listen(1024)  # HAProxy takes it over as it is
        self.proxy = self.start(
            "haproxy", [_program("haproxy"), "-db", "-f", HERE / "haproxy.cfg"],
            variables=variables, descriptors=[entrance.fileno() for entrance in entrances])
        self.wait_until_all_are_well()

    def _start_nginx(self, variables):
        text = (HERE / "nginx.conf").read_text(encoding="utf-8")
        configuration = self.folder / "nginx.conf"
        configuration.write_text(string.Template(text).substitute(variables), encoding="utf-8")
        self.proxy = self.start("nginx", [_program("nginx"), "-p", self.folder, "-c", configuration,
                                          "-e", "stderr"])
        for kind in self.servers:
            wait_until(lambda port=self.port(kind): _listens(port), "nginx listens")

    def connections(self, kind):
        """How many the kernel has from clients to the proxy, and [from the proxy to each server]."""
        clients, to_servers = 0, [0] * SERVERS
        ports = [server.port for server in self.servers[kind]]
        with open("/proc/net/tcp", encoding="ascii") as table:
            for _, local, remote, state, *_ in map(str.split, table):
                if state != "01":  # established
                    continue
                local_port, remote_port = (int(end.partition(":")[2], 16) for end in (local, remote))
                clients += remote_port == self.port(kind)
                if local_port in ports:
                    to_servers[ports.index(local_port)] += 1
        return clients, to_servers

    def wait_until_all_are_well(self):
        """Until HAProxy has had a good answer of every server."""

        def are_well():
            if not (self.folder / "haproxy.sock").exists() and self.proxy.is_running:
                return False
            states = self.server_states().values()
            return all(each["status"] == "UP" and each["check_status"].startswith("L7OK")
                       for each in states)

        wait_until(are_well, "HAProxy finds all servers well")

    def server_states(self):
        """What HAProxy knows of the servers: {name: {column: text}}, as in its manual, 9.1."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(self.folder / "haproxy.sock"))
            connection.sendall(b"show stat\n")
            answer = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
        header, *rows = [line.split(",") for line in answer.lstrip("# ").splitlines() if line]
        states = [dict(zip(header, row)) for row in rows]
        return {state["svname"]: state for state in states if state["svname"][-1].isdigit()}


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
    parser.add_argument("--echo", default="samples/echo_server", help="path of the program")
    parser.add_argument("--http", default="samples/http_hello", help="path of the program")
    arguments = parser.parse_args()
    paths = {"echo": arguments.echo, "http": arguments.http}
    with Cluster(arguments.proxy, paths) as cluster:
        for kind, servers in cluster.servers.items():
            print(f"{kind}: connect to 127.0.0.1:{cluster.port(kind)}, before",
                  *(server.port for server in servers), flush=True)
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            signal.pause()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
