#!/usr/bin/env python3
"""What well-behaved clients notice of others that are a nuisance.

    bazel run --config=opt //bench/bad_days -- [--rounds 7] [--json FILE]

Runs a server on one core, and on the other load_test with 64 connections, on which 10,000 messages
a second are due, whatever the server does; beside them each kind of nuisance in turn, and none.
Prints the 99th percentile of their latency, and its ratio to the undisturbed run of the same round.
The aim is at most 2.
"""

import argparse
import contextlib
import json
import os
import pathlib
import statistics
import sys

import echo_servers
import nuisances
import pinned_process

UNDISTURBED = "undisturbed"
SERVERS = ["colibri-net", "colibri", "epoll"]
SECONDS_TO_START = 60


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(server, kind, options):
    """One run: the latency of the well-behaved, and the nuisance's share of a core."""
    with contextlib.ExitStack() as stack:
        def start(command, core):
            return stack.enter_context(pinned_process.started(command, core))

        process, output = start(server.command, options.server_core)
        port = pinned_process.wait_for_text(
            process, output, r"listening on \S+:(\d+)", SECONDS_TO_START).group(1)
        nuisance = None
        if kind != UNDISTURBED:
            script = str(pathlib.Path(nuisances.__file__).resolve())
            nuisance, told = start([sys.executable, script, kind, port], options.loader_core)
            pinned_process.wait_for_text(nuisance, told, "ready", SECONDS_TO_START)
        used = cpu_seconds(nuisance.pid) if nuisance else 0
        loader, figures = start(
            [options.loader, "--port", port, "--connections", "64", "--rate", "10000",
             "--duration", str(options.seconds), "--warmup", "0.3", "--json"],
            options.loader_core)
        text = pinned_process.finish(loader, figures, options.seconds + SECONDS_TO_START)
        told_all = json.loads(text[text.index("{"):text.rindex("}") + 1])
        result = {"p99_us": told_all["latency_us"]["p99"]}
        if nuisance:
            if nuisance.poll() is not None:
                raise pinned_process.RunFailed(f"the nuisance ended: {kind}")
            result["nuisance_share"] = (cpu_seconds(nuisance.pid) - used) / options.seconds
        return result


def report(server, kinds, rounds):
    base = [each[UNDISTURBED]["p99_us"] for each in rounds]
    print(f"\n{server}\n{'nuisance':16}{'p99 us':>10}{'ratio':>8}{'its core':>10}")
    for kind in kinds:
        p99 = [each[kind]["p99_us"] for each in rounds]
        ratio = statistics.median(own / other for own, other in zip(p99, base))
        share = statistics.median(each[kind].get("nuisance_share", 0) for each in rounds)
        print(f"{kind:16}{statistics.median(p99):10,.0f}{ratio:8.2f}{share:10.0%}")


def main():
    parser = argparse.ArgumentParser(description="what nuisances cost well-behaved clients")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--server", action="append", help=f"of {', '.join(SERVERS)}")
    parser.add_argument("--kind", action="append", choices=list(nuisances.KINDS))
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--loader-core", type=int, default=1)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    options.loader = echo_servers.find_program("samples/load_test/load_test")
    servers, notes = echo_servers.choose("tcp", options.server or SERVERS, "epoll")
    kinds = [UNDISTURBED] + (options.kind or list(nuisances.KINDS))
    figures = {server.name: [] for server in servers}
    for number in range(options.rounds):
        for server in servers:
            figures[server.name].append({})
            for kind in kinds:
                result = measure(server, kind, options)
                figures[server.name][-1][kind] = result
                print(f"round {number + 1}, {server.name}, {kind}: {result['p99_us']:,.0f} us",
                      file=sys.stderr)
    for note in notes:
        print(f"Note: {note}")
    for name, rounds in figures.items():
        report(name, kinds, rounds)
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
