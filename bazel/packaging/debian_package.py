"""Makes a Debian package: bazel run --config=opt //:deb -- FOLDER

Its maintainer is DEBFULLNAME with DEBEMAIL of the environment, as for Debian's own tools; without
them, the author of the last commit.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from install import install
from layout import Layout, read_build

_CONTROL = """Package: colibri
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Section: libdevel
Priority: optional
Depends: {depends}
Recommends: g++, libspdlog-dev, libfmt-dev, libunwind-dev, libssl-dev
Installed-Size: {kilobytes}
Description: network framework of stackful coroutines
 Plain blocking code runs in coroutines, thousands on one thread. With headers,
 libraries (shared and static), the command colibri, and its manual.
"""


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def packages_of(libraries):
    """The packages that have what these shared libraries load, colibri's own aside."""
    paths = set()
    for library in libraries:
        needed = set(re.findall(r"NEEDED\s+(\S+)", run("objdump", "-p", library)))
        found = dict(re.findall(r"(\S+) => (/\S+)", run("ldd", library)))
        paths |= {os.path.realpath(found[name]) for name in needed
                  if name in found and not name.startswith("libcolibri")}
    return sorted({_package_of(path) for path in paths})


def _package_of(path):
    # dpkg knows files by the names that packages give them, and /lib is a link by now.
    for name in (path, path.removeprefix("/usr")):
        result = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True)
        if result.returncode == 0:
            return result.stdout.partition(":")[0]
    raise RuntimeError(f"no package has {path}, which the package would need")


def find_maintainer():
    """"NAME <ADDRESS>"; ends the program where nobody can be named."""
    if address := os.environ.get("DEBEMAIL"):
        return address if "<" in address else f"{os.environ.get('DEBFULLNAME', 'colibri')} <{address}>"
    sources = os.environ.get("BUILD_WORKSPACE_DIRECTORY", ".")
    result = subprocess.run(["git", "-C", sources, "log", "-1", "--format=%an <%ae>"],
                            capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit("who maintains the package? Neither DEBEMAIL (and DEBFULLNAME) nor git says so.")
    return result.stdout.strip()


def make_package(folder, build):
    """Returns the path of the package."""
    architecture = run("dpkg", "--print-architecture")
    multiarch = run("gcc", "-print-multiarch")
    with tempfile.TemporaryDirectory() as root:
        # dpkg takes the folder's own mode for that of /.
        os.chmod(root, 0o755)
        layout = Layout("/usr", root, f"lib/{multiarch}")
        install(layout, build)
        run("gzip", "-9n", str(layout.real("/usr/share/man/man1/colibri.1")))
        installed = [path for path in pathlib.Path(root).rglob("*") if path.is_file()]
        libraries = [path for path in installed
                     if re.search(r"\.so(\.|$)", path.name) and not path.is_symlink()
                     and path.suffix != ".py"]
        control = _CONTROL.format(
            version=build["version"], architecture=architecture, maintainer=find_maintainer(),
            depends=", ".join(packages_of(libraries)),
            kilobytes=sum(path.lstat().st_size for path in installed) // 1024 + 1)
        layout.write("/DEBIAN/control", control)
        # The library's new names are for the loader's cache to know.
        layout.write("/DEBIAN/triggers", "activate-noawait ldconfig\n")
        package = pathlib.Path(folder) / f"colibri_{build['version']}_{architecture}.deb"
        run("dpkg-deb", "--root-owner-group", "--build", root, str(package))
        return package


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", help="where to put the package")
    folder = parser.parse_args().folder
    # As the user meant it, who did not start in Bazel's folder.
    folder = pathlib.Path(os.environ.get("BUILD_WORKING_DIRECTORY", "."), folder)
    folder.mkdir(parents=True, exist_ok=True)
    print(make_package(folder, read_build()))


if __name__ == "__main__":
    main()
