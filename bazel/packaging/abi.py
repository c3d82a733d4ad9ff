"""Compares the shared libraries with those whose symbols are kept: bazel run --config=opt //:abi

  bazel run --config=opt //:abi -- --update    keeps the symbols of those that are built now

What old programs may ask for and no longer find is printed, and the status is 1. Compared are
symbols, on x86-64, by abidiff; in C++ they have the types of arguments in their names. What lies in
objects is not: that would take the debug information of every type.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys

from layout import BUILT, read_build
from libraries import LIBRARIES

KEPT = "bazel/packaging/abi"

# Of inline functions each program has its own; whether a library has one, too, its compiler decides.
_OF_EACH_OBJECT = re.compile(r"^ *<elf-symbol .*binding='(weak|gnu-unique)-binding'.*\n", re.MULTILINE)


def describe(library):
    """The symbols of the shared library at this path, as abidiff reads them."""
    text = subprocess.run(["abidw", "--no-corpus-path", library], check=True,
                          capture_output=True, text=True).stdout
    return _OF_EACH_OBJECT.sub("", text)


def compare(kept, library):
    """What `library` no longer has of the description `kept`, as text; empty if it has all."""
    result = subprocess.run(["abidiff", "--no-added-syms", kept, library], check=False,
                            capture_output=True, text=True)
    if result.returncode == 0:
        return ""
    return subprocess.run(["c++filt"], input=result.stdout + result.stderr, check=True,
                          capture_output=True, text=True).stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--update", action="store_true", help="keep what is built now")
    parser.add_argument("--kept", default=KEPT, help="the folder; %(default)s unless told")
    arguments = parser.parse_args()
    read_build()
    folder = pathlib.Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."), arguments.kept)
    missing = ""
    for name in (library.name for library in LIBRARIES):
        built, kept = BUILT / f"bazel/packaging/lib{name}.so", folder / f"{name}.abi"
        if arguments.update:
            folder.mkdir(parents=True, exist_ok=True)
            kept.write_text(describe(built))
        elif text := compare(kept, built):
            missing += f"lib{name}.so:\n{text}\n"
    if missing:
        sys.exit(missing + "Old programs will miss these. Keep them; or before 1.0.0, count up the "
                 "second number in core/version.h, and after it the first, and --update.")


if __name__ == "__main__":
    main()
