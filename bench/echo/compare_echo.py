#!/usr/bin/env python3
"""Compares echo servers: each in turn on one core, the loader on another, in rounds.

  bazel run --config=opt //bench/echo:compare_echo -- --rounds 3
  ... -- --server colibri --server mine='/path/to/server --port {port}' --connections 64,1000
  ... -- --protocol tls
  ... -- --protocol relay

What counts is the server's CPU time for each message as a ratio to the hand-written server of the
same round, since the machine is not the same from minute to minute. A server is any program
that prints "listening on HOST:PORT" and ends on SIGTERM.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile

import comparisons
import echo_servers
import pinned_process
import system_calls


def parse_arguments():
    default_json = os.path.join(tempfile.gettempdir(), "compare_echo.json")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--protocol", choices=echo_servers.DEFAULTS, default="tcp")
    parser.add_argument("--server", action="append", metavar="NAME[=COMMAND]",
                        help="a server by its name, or a further one; may be repeated; "
                        "without it, all there are for the protocol")
    parser.add_argument("--base", help="what ratios refer to; without it, the hand-written one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", default="64,1000", help="numbers, with commas")
    parser.add_argument("--message-bytes", type=int, default=64)
    parser.add_argument("--depth", type=int, default=1, help="messages under way a connection")
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--warmup", type=float, default=0.5)
    parser.add_argument("--server-cores", default="0", help="numbers, with commas")
    parser.add_argument("--loader-core", type=int, default=1)
    parser.add_argument("--loader", default="bench/echo/loader")
    parser.add_argument("--strace", action="store_true",
                        help="also count the system calls of a message, at 1 and 64 connections")
    parser.add_argument("--json", default=default_json, metavar="FILE")
    arguments = parser.parse_args()
    arguments.connections = [int(number) for number in arguments.connections.split(",")]
    arguments.server_cores = [int(number) for number in arguments.server_cores.split(",")]
    arguments.base = arguments.base or next(iter(echo_servers.DEFAULTS[arguments.protocol]))
    missing = {*arguments.server_cores, arguments.loader_core} - os.sched_getaffinity(0)
    if missing:
        parser.error(f"core {missing.pop()} is not there; see --server-cores and --loader-core")
    return arguments


@contextlib.contextmanager
def serving(command, *cores):
    """Yields the process and the port of a server, which runs meanwhile."""
    with pinned_process.started(command, *cores) as (process, output):
        line = r"listening on \S+:(\d+)\n"
        match = pinned_process.wait_for_text(process, output, line, seconds=10)
        yield process, int(match[1])


@contextlib.contextmanager
def what_servers_need(arguments):
    """Yields what stands for the words in braces of their commands."""
    if arguments.protocol == "tls":
        with tempfile.TemporaryDirectory() as folder:
            yield echo_servers.make_certificate(folder)
    elif arguments.protocol == "relay":
        command = [echo_servers.find_program(echo_servers.UPSTREAM), "--port", "0"]
        with serving(command, *arguments.server_cores) as (_, port):
            yield {"upstream": port}
    else:
        yield {}


class Comparison(comparisons.Comparison):
    def __init__(self, arguments, words_for):
        """`words_for` has what stands for the words in braces of the servers' commands."""
        super().__init__(arguments, *echo_servers.choose(
            arguments.protocol, arguments.server, arguments.base, **words_for))
        self.loader = echo_servers.find_program(arguments.loader)
        self.system_calls = []
        if not self.loader:
            sys.exit(f"{arguments.loader} is absent; build //bench/echo:loader")

    def run(self, number, connections, server):
        """Keeps the loader's figures, with the server and the round."""
        what = f"round {number}, {connections} connections, {server.name}"
        try:
            with self._serving(server) as (process, port):
                figures = self._load(process.pid, port, connections)
        except pinned_process.RunFailed as failure:
            self.note_failure(what, failure)
            return
        self.runs.append({"server": server.name, "round": number, **figures})
        print(f"{what}: {figures['server_cpu_ns_per_message'] / 1000:.2f} us/message",
              file=sys.stderr, flush=True)

    def count_system_calls(self):
        # strace slows the server so much that on one busy connection the next message is there
        # before the server looks. With time to think each echo waits, as it does without strace.
        for connections, more in ((1, ["--think-ms", 4]), (64, [])):
            for server in self.servers:
                try:
                    with self._serving(server) as (process, port):
                        calls = system_calls.per_message(
                            process.pid, self.arguments.server_cores[0],
                            lambda: self._load(None, port, connections, *more))
                except pinned_process.RunFailed as failure:
                    self.note_failure(f"strace, {server.name}", failure)
                    continue
                self.system_calls.append(
                    {"server": server.name, "connections": connections, "calls": calls})

    @contextlib.contextmanager
    def _serving(self, server):
        """Yields the process and the port of the server, which runs meanwhile."""
        with serving(server.command, *self.arguments.server_cores) as process_and_port:
            yield process_and_port

    def _load(self, server_pid, port, connections, *more):
        """Returns the figures of the loader, called with `more` arguments than usual."""
        seconds, warmup = self.arguments.seconds, self.arguments.warmup
        protocol = {"relay": "tcp"}.get(self.arguments.protocol, self.arguments.protocol)
        command = [self.loader, "--json", "--protocol", protocol,
                   "--port", port, "--connections", connections,
                   "--message-bytes", self.arguments.message_bytes,
                   "--depth", self.arguments.depth, "--seconds", seconds, "--warmup", warmup, *more]
        if server_pid:
            command += ["--server-pid", server_pid]
        command = [str(word) for word in command]
        # The loader has a limit of its own, and says more than this one.
        limit = seconds + warmup + 60 + connections / 1000
        with pinned_process.started(command, self.arguments.loader_core) as (process, output):
            return json.loads(pinned_process.finish(process, output, limit))

    def summary(self):
        """A row for each number of connections and server, medians over the rounds."""
        rows = []
        for connections in self.arguments.connections:
            for server in self.servers:
                runs = [run for run in self.runs
                        if run["server"] == server.name and run["connections"] == connections]
                if runs:
                    rows.append(self._row(server.name, connections, runs))
        return rows

    def _row(self, name, connections, runs):
        base = {run["round"]: run["server_cpu_ns_per_message"] for run in self.runs
                if run["server"] == self.arguments.base and run["connections"] == connections}
        ratios = [run["server_cpu_ns_per_message"] / base[run["round"]]
                  for run in runs if run["round"] in base]
        row = {"server": name, "connections": connections, "rounds": len(runs), "ratios": ratios}
        for key in ("messages_per_second", "p50_us", "p99_us", "p999_us",
                    "server_cpu_ns_per_message", "server_cpu_share", "loader_cpu_share",
                    "server_rss_bytes", "server_rss_bytes_per_connection"):
            row[key] = statistics.median(run[key] for run in runs)
        return row


def print_summary(comparison):
    arguments = comparison.arguments
    for connections in arguments.connections:
        print(f"\n{connections} connections, {arguments.message_bytes} bytes, depth "
              f"{arguments.depth}; medians of {arguments.rounds} rounds; ratio: server CPU per "
              f"message to {arguments.base} of the same round\n")
        print(f"{'server':16}{'messages/s':>12}{'p99 us':>10}{'CPU us/msg':>12}{'ratio':>8}"
              f"{'min-max':>12}{'RSS/conn':>10}{'busy server/loader':>20}")
        for row in comparison.summary():
            if row["connections"] == connections:
                print(_summary_line(row))


def _summary_line(row):
    middle, spread = comparisons.median_and_spread(row["ratios"])
    return (f"{row['server']:16}{row['messages_per_second']:12,.0f}{row['p99_us']:10,.0f}"
            f"{row['server_cpu_ns_per_message'] / 1000:12.2f}{middle:>8}{spread:>12}"
            f"{row['server_rss_bytes_per_connection']:10,.0f}"
            f"{row['server_cpu_share']:13.0%} /{row['loader_cpu_share']:5.0%}")


def print_system_calls(comparison):
    if comparison.system_calls:
        print("\nSystem calls a message\n")
    for entry in comparison.system_calls:
        calls = entry["calls"]
        names = ", ".join(f"{name} {rate:.2f}" for name, rate in calls.items())
        print(f"{entry['server']:16}{entry['connections']:5} connections "
              f"{sum(calls.values()):6.2f}: {names}")


def main():
    arguments = parse_arguments()
    with what_servers_need(arguments) as words_for:
        comparison = Comparison(arguments, words_for)
        comparison.run_rounds()
        if comparison.arguments.strace:
            comparison.count_system_calls()
    print_summary(comparison)
    print_system_calls(comparison)
    return comparison.finish(summary=comparison.summary(), system_calls=comparison.system_calls)


if __name__ == "__main__":
    comparisons.run(main)
