"""Counts the system calls that a server makes for each message, with strace."""

import re
import signal
import tempfile

import pinned_process

# Below this, a call belongs to setting up, not to the messages.
_LEAST_PER_MESSAGE = 0.02


def per_message(server_pid, core, run_loader):
    """Returns {system call: calls a message} of the server while `run_loader()` runs.

    `run_loader` returns the loader's figures. The server is slowed down many times.
    """
    with tempfile.NamedTemporaryFile("r") as table:
        command = ["strace", "-f", "-c", "-o", table.name, "-p", str(server_pid)]
        with pinned_process.started(command, core) as (strace, output):
            pinned_process.wait_for_text(strace, output, "attached", 5)
            figures = run_loader()
            strace.send_signal(signal.SIGINT)  # detaches and writes the table
            strace.wait(timeout=10)
        counts = _parse(table.read())
    messages = figures["all_messages"]
    rates = {name: count / messages for name, count in counts.items()}
    return {name: rate for name, rate in sorted(rates.items(), key=lambda item: -item[1])
            if rate >= _LEAST_PER_MESSAGE}


def _parse(table):
    """{system call: calls} of the table that strace -c prints."""
    # % time, seconds, usecs/call, calls, errors (blank when none), name
    row = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", re.MULTILINE)
    return {name: int(calls) for calls, name in row.findall(table) if name != "total"}
