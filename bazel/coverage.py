#!/usr/bin/env python3
"""Which lines of core and hook the tests run: bazel run //:coverage [-- OPTIONS] [TARGETS...]

Builds with counters, runs the tests (those of core and hook unless told), and prints how many lines
of each file ran, worst first. The status is 1 if they are fewer than --least per cent in all.
Processes that others end by a signal have counted for nothing. A test that fails counts as far as
it got.
"""

import argparse
import collections
import json
import os
import pathlib
import subprocess
import sys
import tempfile

TARGETS = ["//test/core/...", "//test/hook/..."]
MEASURED = ("core/", "hook/")
# Compiled at /proc/self/cwd: three parts of the path to leave out.
DEPTH = 3


def bazel(*words, **options):
    return subprocess.run(["bazel", *os.environ.get("COLIBRI_BAZEL", "").split(), *words],
                          text=True, **options)


def run_tests(targets, counters):
    """Runs them; what they count goes below the folder `counters`, that of all in one place."""
    bazel("test", "--config=coverage", "--keep_going", "--noshow_progress", "--color=no",
          "--test_output=summary", f"--test_env=GCOV_PREFIX={counters}",
          f"--test_env=GCOV_PREFIX_STRIP={DEPTH}", "--cache_test_results=no", *targets)


def read_counters(counters, built):
    """{file: {line: how often it ran}}; `built` is where the compiler left its notes."""
    files = collections.defaultdict(lambda: collections.defaultdict(int))
    for data in sorted(counters.rglob("*.gcda")):
        notes = data.with_suffix(".gcno")
        if not notes.exists():
            notes.symlink_to(built / notes.relative_to(counters))
        output = subprocess.run(["gcov", "--json-format", "--stdout", data], cwd=built, check=True,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        for part in output.splitlines():
            for file in json.loads(part)["files"]:
                # Headers are seen as they are included.
                name = file["file"].rpartition("/colibri/")[2]
                if name.startswith(MEASURED):
                    for line in file["lines"]:
                        files[name][line["line_number"]] += line["count"]
    return files


def print_table(files, missing):
    """Prints a line for each file, with the lines that did not run if `missing`. Returns the share."""
    rows = []
    for name, lines in files.items():
        silent = [number for number, count in sorted(lines.items()) if count == 0]
        rows.append((1 - len(silent) / len(lines), name, len(lines), silent))
    for share, name, count, silent in sorted(rows):
        numbers = " " + ",".join(map(str, silent)) if missing and silent else ""
        print(f"{100 * share:6.1f} % of {count:4} lines  {name}{numbers}")
    for folder in (*MEASURED, ""):
        own = [row for row in rows if row[1].startswith(folder)]
        count = sum(row[2] for row in own)
        share = 1 - sum(len(row[3]) for row in own) / max(count, 1)
        print(f"{100 * share:6.1f} % of {count:5} lines of {folder.rstrip('/') or 'both'}")
    return share


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", default=TARGETS)
    parser.add_argument("--missing", action="store_true", help="say which lines did not run")
    parser.add_argument("--least", type=float, default=95, help="per cent; %(default)s unless told")
    parser.add_argument("--counters", help="a folder to keep, to be added to by the next call")
    arguments = parser.parse_args()
    os.chdir(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."))
    with tempfile.TemporaryDirectory() as scratch:
        counters = pathlib.Path(arguments.counters or scratch).absolute()
        # Some tests give their rights away.
        os.chmod(counters, 0o777)
        run_tests(arguments.targets, counters)
        built = pathlib.Path(bazel("info", "execution_root", check=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL).stdout.strip())
        share = print_table(read_counters(counters, built), arguments.missing)
    sys.exit(100 * share < arguments.least)


if __name__ == "__main__":
    main()
