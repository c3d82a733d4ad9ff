#!/usr/bin/env python3
"""Runs micro benchmarks in turn, again and again, and prints the libraries' medians side by side.

    interleave.py [--rounds R] [--core C] [--json FILE] BINARY...

One round runs every binary once (A B C, A B C, ...), so that whatever disturbs the machine for a
while disturbs all of them. A binary takes the flags --benchmark_format, --benchmark_min_time and
--benchmark_filter, and prints either Google Benchmark's JSON or lines {"name": ..., "ns": ...}.
Cases are named subject/library[/n]; see report.h for what an item of each subject is. Figures are
nanoseconds of CPU time an item. A binary that is missing or fails is left out with a note.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

# Subjects in the order of printing; any other follows. What a library does not have is left blank.
SUBJECTS = {
    "resume": "switch, one way, between a caller and what it resumes",
    "yield": "yield among n; boost_context has no scheduler and is the floor",
    "live_bytes": "yield of two that hold n bytes on their stacks; copied on a shared one",
    "spawn_end": "spawn, run an empty function, end; the stack is pooled",
    "spawn_join": "the same with the maker waiting for the end",
    "park": "park and be woken by the other, one way",
    "channel": "unbuffered channel, one way",
    "timer_cancel_arm": "cancel a random one of n timers and arm it anew",
    "channel_threads": "unbuffered channel between two schedulers, one way",
    "stream": "a value through a channel with room for 128",
    "select4": "a value received by a select over four unbuffered channels",
    "mutex": "lock and unlock without contention, in a process with two threads unless it says so",
    "mutex_handoff": "a turn of one of three that hold a mutex over a yield, and yield after it",
    "generator": "an item",
    "tree": "an item of a recursive walk through a tree of depth n",
    "skynet": "a leaf of a tree of a million coroutines that sum up their numbers",
    "skynet_threads": "the same on two threads; time that passes",
    "sieve": "a prime of the first 500 through a chain of filters",
    "ring": "a hop of a token in a ring of a thousand",
}
OURS = "colibri"
# A case whose rounds differ by more than this part of their median is marked.
UNSTEADY = 0.25


def note(text):
    print(f"note: {text}", file=sys.stderr)


def ns_of(case):
    """Nanoseconds an item of one reported case, or None if it is an aggregate or failed."""
    if case.get("error_occurred") or case.get("run_type") == "aggregate":
        return None
    if "ns" in case:
        return float(case["ns"])
    if "items_per_second" in case:
        return 1e9 / case["items_per_second"]
    unit = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[case["time_unit"]]
    return case["cpu_time"] * unit


def parse_output(text):
    """Yields the cases of Google Benchmark's document, or of one JSON object a line."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        yield from (json.loads(line) for line in text.splitlines() if line.startswith("{"))
        return
    yield from document.get("benchmarks", [document])


def run_once(binary, arguments):
    """Returns {case name: ns} of one run; raises RuntimeError with the reason when it fails."""
    command = [
        str(binary),
        "--benchmark_format=json",
        f"--benchmark_min_time={arguments.min_time}",
        f"--benchmark_filter={arguments.filter}",
    ]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=arguments.timeout, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RuntimeError(str(error)) from error
    if result.returncode != 0:
        last_words = (result.stderr.strip() or "no message").splitlines()[-1]
        raise RuntimeError(f"ended with {result.returncode}: {last_words}")
    figures = {}
    for case in parse_output(result.stdout):
        figure = ns_of(case)
        if figure is None:
            note(f"{binary.name}: {case.get('name')} gave no figure: {case.get('error_message')}")
        else:
            figures[case["name"]] = figure
    return figures


def run_rounds(binaries, arguments):
    """Returns {case name: [ns of each round]}."""
    samples = {}
    failed = set()
    for round_number in range(1, arguments.rounds + 1):
        for binary in binaries:
            if binary in failed:
                continue
            print(f"round {round_number}/{arguments.rounds}: {binary.name}", file=sys.stderr)
            try:
                figures = run_once(binary, arguments)
            except RuntimeError as error:
                note(f"{binary.name} is left out from now on: {error}")
                failed.add(binary)
                continue
            for name, figure in figures.items():
                samples.setdefault(name, []).append(figure)
    return samples


def split_name(name):
    """subject/library[/n] as (subject, library, n or "")."""
    subject, library, *size = name.split("/", 2)
    return subject, library, size[0] if size else ""


def summarise(samples):
    """Returns one record a case, with the median and the spread of its rounds."""
    records = []
    for name, figures in samples.items():
        if "/" not in name:
            note(f"{name} is not named subject/library[/n]; left out")
            continue
        subject, library, size = split_name(name)
        median = statistics.median(figures)
        records.append(
            {
                "name": name,
                "subject": subject,
                "library": library,
                "n": size,
                "ns": median,
                "min": min(figures),
                "max": max(figures),
                "unsteady": max(figures) - min(figures) > UNSTEADY * median,
                "rounds": figures,
            }
        )
    return records


def is_ours(library):
    return library == OURS or library.startswith(OURS + "_")


def add_ratios(records):
    """Gives each case of ours its ratio to every peer of the same subject and size."""
    for record in filter(lambda record: is_ours(record["library"]), records):
        record["ratio_to"] = {
            peer["library"]: record["ns"] / peer["ns"]
            for peer in records
            if not is_ours(peer["library"])
            and (peer["subject"], peer["n"]) == (record["subject"], record["n"])
        }


def print_row(label, cells, widths):
    print("  ".join([f"{label:<24}"] + [f"{c:>{w}}" for c, w in zip(cells, widths)]).rstrip())


def print_subject(subject, records):
    """One table: a row a size, a column a library, and below it our ratio to each peer."""
    print(f"\n{subject}: {SUBJECTS.get(subject, 'ns an item')}")
    libraries = list(dict.fromkeys(record["library"] for record in records))
    libraries.sort(key=lambda library: not is_ours(library))
    widths = [max(len(library), 9) for library in libraries]
    print_row("", libraries, widths)
    for size in sorted({record["n"] for record in records}, key=lambda n: (len(n), n)):
        row = {record["library"]: record for record in records if record["n"] == size}
        cells = [
            f"{row[library]['ns']:.1f}{'~' if row[library]['unsteady'] else ' '}"
            if library in row
            else "- "
            for library in libraries
        ]
        print_row(f"{size or subject} ns", cells, widths)
        for ours in (row[library] for library in libraries if library in row):
            if not ours.get("ratio_to"):
                continue
            ratios = [ours["ratio_to"].get(library) for library in libraries]
            cells = [f"{ratio:.2f} " if ratio else "" for ratio in ratios]
            print_row(f"  {ours['library']} / peer", cells, widths)


def print_report(records):
    subjects = list(dict.fromkeys([*SUBJECTS, *(record["subject"] for record in records)]))
    for subject in subjects:
        of_subject = [record for record in records if record["subject"] == subject]
        if of_subject:
            print_subject(subject, of_subject)
    print("\n(ns of CPU time an item, median of the rounds; ~ rounds differ by more than"
          f" {UNSTEADY:.0%}; a ratio above 1 is a loss of ours)")
    losses = [
        f"  {record['name']} is {ratio:.2f} times {peer}"
        for record in records
        for peer, ratio in record.get("ratio_to", {}).items()
        if ratio > 1
    ]
    if losses:
        print("\nlosses:", *losses, sep="\n")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binaries", nargs="+", type=pathlib.Path, metavar="BINARY")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--core", type=int, help="pin everything to this core")
    parser.add_argument("--min-time", type=float, default=0.2, help="seconds a case and round")
    parser.add_argument("--filter", default=".", help="regular expression on case names")
    parser.add_argument("--timeout", type=float, default=600, help="seconds a binary and round")
    parser.add_argument("--json", type=pathlib.Path, help="write all figures to this file")
    return parser.parse_intermixed_args()


def main():
    arguments = parse_arguments()
    if arguments.core is not None:
        os.sched_setaffinity(0, {arguments.core})  # The benchmarks inherit it.
    binaries = []
    for binary in arguments.binaries:
        if binary.is_file():
            binaries.append(binary.resolve())
        else:
            note(f"{binary} does not exist; left out")
    records = summarise(run_rounds(binaries, arguments))
    add_ratios(records)
    print_report(records)
    if arguments.json:
        # Under `bazel run` a relative path means the user's directory, not that of the runfiles.
        path = pathlib.Path(os.environ.get("BUILD_WORKING_DIRECTORY", ".")) / arguments.json
        path.write_text(json.dumps({"cases": records}, indent=1) + "\n")
    return 0 if records else 1


if __name__ == "__main__":
    sys.exit(main())
