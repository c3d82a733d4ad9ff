"""Debian's microsocks, a thread a connection, with its threads as threads and as coroutines.

  compare_microsocks.py COLIBRI [--clients=N] [--rounds=N] [--runs=N]

Both take the same load in turns (see socks_load.py), every byte of which is checked. Prints for each
the median of the runs: processor time of the proxy a message; threads of the system; and memory
while all connections stand, which is what is resident, its page tables, and 16 KiB of the kernel's
for the stack of each thread.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
KERNEL_STACK_KIB = 16


def status_of(process, name):
    for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1])
    raise KeyError(name)


def seconds_of(process):
    """Processor time, of the program and of the kernel on its behalf."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def port_of(process):
    """The one that it listens at, once it does."""
    for _ in range(500):
        own = set()
        for link in pathlib.Path(f"/proc/{process.pid}/fd").iterdir():
            try:
                own.add(os.readlink(link))
            except OSError:
                pass
        for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
                return int(fields[1].split(":")[1], 16)
        time.sleep(0.01)
    raise TimeoutError("the proxy does not listen")


def measure(command, options):
    proxy = subprocess.Popen(
        command + ["microsocks", "-i", "127.0.0.1", "-p", "0"], stderr=subprocess.DEVNULL
    )
    try:
        load = subprocess.Popen(
            [
                sys.executable,
                HERE / "socks_load.py",
                str(port_of(proxy)),
                f"--clients={options.clients}",
                f"--rounds={options.rounds}",
                "--hold",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        if load.stdout.readline().strip() != "open":
            raise RuntimeError("the connections did not all open")
        time.sleep(1)  # for those that the kernel is about to free
        before = seconds_of(proxy)
        load.stdin.write("\n")
        load.stdin.flush()
        load.stdout.readline()
        result = {
            "seconds": seconds_of(proxy) - before,
            "threads": status_of(proxy, "Threads"),
            "kib": status_of(proxy, "VmRSS")
            + status_of(proxy, "VmPTE")
            + KERNEL_STACK_KIB * status_of(proxy, "Threads"),
        }
        load.stdin.write("\n")
        load.stdin.flush()
        result |= json.loads(load.stdout.readline())
        load.wait()
        return result
    finally:
        proxy.terminate()
        proxy.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("colibri")
    parser.add_argument("--clients", type=int, default=9000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    commands = {"native": [], "coroutines": [options.colibri, "run", "--threads=coroutines"]}
    runs = {name: [] for name in commands}
    for _ in range(options.runs):
        for name, command in commands.items():
            runs[name].append(measure(command, options))
    figures = {}
    for name, results in runs.items():
        figures[name] = {
            "cpu": statistics.median(r["seconds"] / max(r["messages"], 1) for r in results) * 1e6,
            "kib": statistics.median(r["kib"] for r in results),
        }
        print(
            f"{name}: {figures[name]['cpu']:.1f} µs a message, {figures[name]['kib']:.0f} KiB, "
            f"{max(r['threads'] for r in results)} threads, "
            f"{sum(r['messages'] for r in results)} messages right, "
            f"{sum(r['wrong'] for r in results)} wrong"
        )
    for what, most in (("cpu", 0.8), ("kib", 0.25)):
        ratio = figures["coroutines"][what] / figures["native"][what]
        print(f"{what}: {ratio:.2f} of native, at most {most} wanted")


if __name__ == "__main__":
    main()
