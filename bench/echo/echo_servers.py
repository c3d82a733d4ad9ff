"""The servers that can be compared, and where Bazel has put them."""

import collections
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

Server = collections.namedtuple("Server", "name command")

# By protocol; the first is what the others are compared with.
DEFAULTS = {"tcp": {
    "epoll": "bench/baseline/epoll_server --port {port}",
    "epoll-level": "bench/baseline/epoll_server --level --port {port}",
    "epoll-read-write": "bench/baseline/epoll_server --read-write --port {port}",
    "threads": "bench/baseline/thread_server --port {port}",
    "colibri": "samples/echo_server_posix --host 127.0.0.1 --port {port}",
    "colibri-net": "samples/echo_server --host 127.0.0.1 --port {port}",
    "colibri-private-heap":
        "bench/echo/colibri_server --stack private --buffer heap --port {port}",
    "colibri-shared-heap":
        "bench/echo/colibri_server --stack shared --buffer heap --port {port}",
    "colibri-shared-stack":
        "bench/echo/colibri_server --stack shared --buffer stack --port {port}",
    "asio-stackless": "bench/echo/peers/asio_stackless_server --port {port}",
    "asio-stackful": "bench/echo/peers/asio_stackful_server --port {port}",
    "boost-fiber": "bench/echo/peers/fiber_server --port {port}",
    "state-threads": "bench/echo/peers/state_threads_server --port {port}",
    "go": "bench/echo/peers/go_server --port {port}",
}, "tls": {
    "epoll-openssl":
        "bench/baseline/tls_server --certificate {certificate} --key {key} --port {port}",
    "colibri-tls":
        "bench/echo/colibri_tls_server --certificate {certificate} --key {key} --port {port}",
}, "udp": {
    "recvmmsg": "bench/baseline/udp_server --port {port}",
    "epoll-recvmmsg": "bench/baseline/udp_server --epoll --port {port}",
    "colibri-udp": "bench/echo/colibri_udp_server --port {port}",
}, "relay": {  # before the hand-written echo server
    "nginx-relay": "bench/echo/peers/nginx_relay {upstream}",
    "colibri-relay": "samples/relay --to 127.0.0.1:{upstream} --port {port}",
}}
UPSTREAM = "bench/baseline/epoll_server"


def binary_folder():
    """Bazel's folder of built programs."""
    # The script as it was started: in the runfiles it is a link, and __file__ of what it imports
    # is in the sources already.
    here = pathlib.Path(sys.argv[0]).absolute()
    for parent in here.parents:
        if parent.name.endswith(".runfiles"):
            return parent.parents[2]  # bin/bench/echo/compare_echo.runfiles
    return here.parents[2] / "bazel-bin"


def find_program(name):
    """The path of a program that Bazel built, that lies where the user stands, or in PATH."""
    folders = [binary_folder(), pathlib.Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."))]
    for folder in folders:
        path = folder / name  # an absolute name stays as it is
        if path.is_file() and os.access(path, os.X_OK):
            return str(path.absolute())
    return shutil.which(name)


def make_certificate(folder):
    """Makes a certificate of its own for "localhost"; what a command's words stand for."""
    files = {"certificate": f"{folder}/certificate.pem", "key": f"{folder}/key.pem"}
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
                    "-keyout", files["key"], "-out", files["certificate"]],
                   check=True, capture_output=True)
    return files


def choose(protocol, wanted, base, **words_for):
    """The servers for the arguments NAME or NAME=COMMAND, and notes on those left out.

    Without arguments, all defaults of the protocol. The base is always among them, as the first.
    `words_for` has what stands for the words in braces.
    """
    defaults = DEFAULTS[protocol]
    commands = {}
    for item in [base] + (wanted or list(defaults)):
        name, given, command = item.partition("=")
        if not given and name not in defaults:
            # A base defined by a later NAME=COMMAND keeps its place at the front.
            commands.setdefault(name, None)
            continue
        commands[name] = command if given else commands.get(name) or defaults[name]
    servers, notes = [], []
    for name, command in commands.items():
        words = [word.format(port=0, **words_for) for word in shlex.split(command or "")]
        program = find_program(words[0]) if words else None
        if program:
            servers.append(Server(name, [program] + words[1:]))
        elif words:
            notes.append(f"{name} is left out: {words[0]} is absent (bazel build "
                         f"//{words[0].rpartition('/')[0]}:{words[0].rpartition('/')[2]})")
        else:
            notes.append(f"{name} is left out: no server of this name; the defaults are "
                         f"{', '.join(defaults)}")
    return servers, notes
