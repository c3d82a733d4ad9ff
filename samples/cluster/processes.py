"""Starts programs and ends them, each by its own handle, whatever happens."""

import ctypes
import os
import re
import signal
import subprocess
import time

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # loaded before any fork: a child may not load


def _end_with_parent():
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def wait_until(condition, what, seconds=20):
    """Returns what `condition()` is once it is true. For things that come: the time is a guard."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.01)
    raise TimeoutError(f"not within {seconds} s: {what}")


class Program:
    """A program that runs. Its output goes to a file, so that no pipe can fill up and stop it."""

    def __init__(self, name, command, folder, variables=None, descriptors=()):
        self.name = name
        self._path = folder / f"{name}.{time.monotonic_ns()}.txt"
        with open(self._path, "w", encoding="utf-8") as output:
            self._process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output,
                stderr=output, env={**os.environ, **(variables or {})}, pass_fds=descriptors,
                preexec_fn=_end_with_parent)

    @property
    def is_running(self):
        return self._process.poll() is None

    @property
    def output(self):
        return self._path.read_text(encoding="utf-8")

    def wait_for_output(self, pattern):
        """Returns the match of `pattern`, once it is in the output."""

        def look():
            match = re.search(pattern, self.output)
            if not match and not self.is_running:
                raise RuntimeError(f"{self.name} has ended: {self.output}")
            return match

        return wait_until(look, f"{self.name} prints /{pattern}/")

    def signal(self, number):
        self._process.send_signal(number)

    def wait(self, seconds=30):
        """Returns the exit status."""
        return self._process.wait(timeout=seconds)

    def end(self):
        """Ends it, if it runs still."""
        if self.is_running:
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()
