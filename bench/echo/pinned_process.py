"""Starts programs on cores of their own, and ends every one of them, whatever happens."""

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import tempfile
import time

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded before any fork: a child may not load


class RunFailed(Exception):
    """One run gave no figures; the message is a sentence for the reader."""


def _settle_child(cores):
    """Returns what a child does before it becomes the program."""

    def settle():
        os.sched_setaffinity(0, cores)  # inherited by the threads it will start
        # Should this script be killed outright, its children end with it.
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    return settle


@contextlib.contextmanager
def started(command, *cores):
    """Yields (process, output file) of the command; ends the process on leaving.

    stdout and stderr both go to the file, so that no pipe can fill up and stop the program.
    """
    with tempfile.TemporaryFile("w+") as output:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                preexec_fn=_settle_child(cores))
        except OSError as error:
            raise RunFailed(f"cannot start {command[0]}: {error.strerror}") from error
        try:
            yield process, output
        finally:
            _end(process)


def _end(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


def text_of(output):
    """What a started program has printed so far."""
    # Read through an offset of its own: the program's writes share the file's.
    return os.pread(output.fileno(), 1 << 16, 0).decode(errors="replace")


def wait_for_text(process, output, pattern, seconds):
    """Returns the match of `pattern` in the program's output, once it is there."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        match = re.search(pattern, text_of(output))
        if match:
            return match
        if process.poll() is not None:
            raise RunFailed(f"ended with status {process.returncode}: {text_of(output).strip()}")
        time.sleep(0.01)
    raise RunFailed(f"did not print /{pattern}/ within {seconds} s: {text_of(output).strip()}")


def finish(process, output, seconds):
    """Waits for a program that ends by itself and returns its output."""
    try:
        status = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise RunFailed(f"not done within {seconds:.0f} s") from None
    if status != 0:
        raise RunFailed(f"status {status}: {text_of(output).strip()}")
    return text_of(output)
