"""Where the files of an installation go, and the ways in which they get there."""

import json
import os
import pathlib
import shutil
import sys

# The folder in which the scripts run has the build's files at their places.
BUILT = pathlib.Path(sys.argv[0]).absolute().parents[2]


def read_build():
    """What the build says of itself: version, abi, mode. Warns of one that is not to be measured."""
    build = json.loads((BUILT / "bazel/packaging/build.json").read_text())
    if build["mode"] != "opt":
        print("these libraries are not optimised; --config=opt makes those that are",
              file=sys.stderr)
    return build


class Layout:
    """`prefix` is where programs will look, `destdir` a folder to put before it, for packages."""

    def __init__(self, prefix, destdir="", libdir="lib"):
        self.prefix = pathlib.PurePosixPath(os.path.abspath(prefix))
        self.libdir = self.prefix / libdir
        self.includedir = self.prefix / "include"
        self._destdir = os.path.abspath(destdir) if destdir else ""

    def relative_libdir(self):
        """The folder of libraries, as seen from the prefix."""
        return self.libdir.relative_to(self.prefix)

    def real(self, path):
        """Where `path` is written to."""
        return pathlib.Path(self._destdir + str(path))

    def copy(self, source, path, mode=0o644):
        """Installs a file of the build, or one by its absolute path."""
        target = self._make_room(path)
        shutil.copyfile(BUILT / source, target)
        target.chmod(mode)

    def write(self, path, text):
        target = self._make_room(path)
        target.write_text(text)
        target.chmod(0o644)

    def link(self, path, target):
        self._make_room(path).symlink_to(target)

    def _make_room(self, path):
        """For a file: programs that have the old one open keep it."""
        real = self.real(path)
        real.parent.mkdir(parents=True, exist_ok=True)
        real.unlink(missing_ok=True)
        return real
