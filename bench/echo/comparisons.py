"""What the programs that compare servers have in common: rounds, notes, and an orderly end."""

import json
import os
import pathlib
import platform
import signal
import statistics
import sys


class Comparison:
    """The runs of one invocation and what is told about them.

    `servers` are measured in turn by run(), which the classes below have; `notes` is what the user
    is to know besides the figures.
    """

    def __init__(self, arguments, servers, notes):
        self.arguments = arguments
        self.servers = servers
        self.notes = notes
        self.runs = []

    def run_rounds(self):
        for number in range(1, self.arguments.rounds + 1):
            for connections in self.arguments.connections:
                for server in self.servers:
                    self.run(number, connections, server)

    def note_failure(self, what, failure):
        self.notes.append(f"FAILED: {what}: {failure}")
        print(self.notes[-1], file=sys.stderr, flush=True)

    def finish(self, **figures):
        """Prints the notes, writes all figures as JSON, and returns the program's exit status."""
        for note in self.notes:
            print(f"Note: {note}")
        path = pathlib.Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."), self.arguments.json)
        document = {"machine": {"kernel": platform.release(), "cores": os.cpu_count(),
                                "load": os.getloadavg()},
                    "options": vars(self.arguments), **figures,
                    "runs": self.runs, "notes": self.notes}
        path.write_text(json.dumps(document, indent=1) + "\n")
        print(f"\nAll figures: {path}")
        return 1 if any(note.startswith("FAILED") for note in self.notes) else 0


def median_and_spread(ratios):
    """As two columns of a table."""
    if not ratios:
        return "-", "-"
    return f"{statistics.median(ratios):.2f}", f"{min(ratios):.2f}-{max(ratios):.2f}"


def run(main):
    """Ends the process with main()'s status, so that what was started is ended, however it ends."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
