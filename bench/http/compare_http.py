#!/usr/bin/env python3
"""Compares HTTP servers: each in turn on one core, wrk on another, in rounds.

  bazel run --config=opt //bench/http:compare_http -- --rounds 10 --connections 64,1000

What counts is colibri's CPU time for each request as a ratio to the others' of the same round,
since the machine is not the same from minute to minute. Needs wrk, and of nginx and Go's server
those that are to be compared: bazel build --config=opt //bench/http:go_server.
"""

import argparse
import os
import pathlib
import re
import shutil
import statistics
import sys
import tempfile

import comparisons
import http_servers
import pinned_process


def parse_arguments():
    default_json = os.path.join(tempfile.gettempdir(), "compare_http.json")
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--server", action="append", choices=http_servers.NAMES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--connections", default="64", help="numbers, with commas")
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--loader-core", type=int, default=1)
    parser.add_argument("--json", default=default_json, metavar="FILE")
    arguments = parser.parse_args()
    arguments.connections = [int(number) for number in arguments.connections.split(",")]
    missing = {arguments.server_core, arguments.loader_core} - os.sched_getaffinity(0)
    if missing:
        parser.error(f"core {missing.pop()} is not there; see --server-core and --loader-core")
    if not shutil.which("wrk"):
        parser.error("wrk is absent (Debian package wrk)")
    return arguments


def cpu_seconds_of(process_id):
    """What all threads of a process have used so far."""
    # Behind the name, which may have anything in it.
    fields = pathlib.Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def figures_of(text):
    """What wrk says it has done."""
    failure = re.search(r"Socket errors:.*|Non-2xx.*|unable to connect.*", text)
    requests = re.search(r"(\d+) requests in", text)
    if failure or not requests:
        raise pinned_process.RunFailed(failure[0] if failure else text)
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    return {"requests": int(requests[1]),
            "requests_per_second": float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]),
            "p99_us": float(value) * {"us": 1, "ms": 1e3, "s": 1e6}[unit]}


class Comparison(comparisons.Comparison):
    def __init__(self, arguments):
        wanted = arguments.server or http_servers.NAMES
        servers = [name for name in http_servers.NAMES
                   if name in {http_servers.BASE, *wanted} and http_servers.program_of(name)]
        notes = [f"{name} is left out: its program is absent"
                 for name in wanted if name not in servers]
        super().__init__(arguments, servers, notes)

    def run(self, number, connections, name):
        what = f"round {number}, {connections} connections, {name}"
        try:
            with http_servers.serving(name, self.arguments.server_core) as server:
                self._load(server.url, connections)  # so that what grows has grown
                before = cpu_seconds_of(server.process_id)
                figures = self._load(server.url, connections)
                used = cpu_seconds_of(server.process_id) - before
        except pinned_process.RunFailed as failure:
            self.note_failure(what, failure)
            return
        cpu_us = 1e6 * used / figures["requests"]
        self.runs.append({"server": name, "round": number, "connections": connections,
                          "cpu_us_per_request": cpu_us, **figures})
        print(f"{what}: {cpu_us:.2f} us/request", file=sys.stderr, flush=True)

    def _load(self, url, connections):
        seconds = self.arguments.seconds
        command = ["wrk", "--threads", "1", "--connections", str(connections), "--latency",
                   "--duration", f"{seconds}s", url]
        with pinned_process.started(command, self.arguments.loader_core) as (process, output):
            return figures_of(pinned_process.finish(process, output, seconds + 30))

    def summary(self):
        """A row for each number of connections and server, medians over the rounds."""
        rows = []
        for connections in self.arguments.connections:
            own = {run["round"]: run["cpu_us_per_request"]
                   for run in self._runs_of(http_servers.BASE, connections)}
            for name in self.servers:
                runs = self._runs_of(name, connections)
                if not runs:
                    continue
                row = {"server": name, "connections": connections,
                       "ratios": [own[run["round"]] / run["cpu_us_per_request"]
                                  for run in runs if run["round"] in own]}
                for key in ("requests_per_second", "p99_us", "cpu_us_per_request"):
                    row[key] = statistics.median(run[key] for run in runs)
                rows.append(row)
        return rows

    def _runs_of(self, name, connections):
        return [run for run in self.runs
                if run["server"] == name and run["connections"] == connections]


def print_summary(comparison):
    print(f"\nMedians of {comparison.arguments.rounds} rounds; ratio: {http_servers.BASE}'s server "
          f"CPU a request to this server's of the same round\n")
    print(f"{'server':10}{'connections':>12}{'requests/s':>12}{'p99 us':>10}{'CPU us':>9}"
          f"{'ratio':>8}{'min-max':>12}")
    for row in comparison.summary():
        middle, spread = comparisons.median_and_spread(row["ratios"])
        print(f"{row['server']:10}{row['connections']:12}{row['requests_per_second']:12,.0f}"
              f"{row['p99_us']:10,.0f}{row['cpu_us_per_request']:9.2f}{middle:>8}{spread:>12}")


def main():
    comparison = Comparison(parse_arguments())
    comparison.run_rounds()
    print_summary(comparison)
    return comparison.finish(summary=comparison.summary())


if __name__ == "__main__":
    comparisons.run(main)
