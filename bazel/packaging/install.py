"""Installs colibri: bazel run --config=opt //:install -- --prefix=/usr/local

Headers, libraries (shared and static), the command `colibri`, and what tells builds, debuggers and
readers of manuals about them. Nothing but files: nothing is run, and no cache refreshed.
"""

import argparse

import descriptions
import headers
import manual
from layout import BUILT, Layout, read_build
from libraries import LIBRARIES


def install(layout, build):
    """Puts everything into its place."""
    _install_headers(layout)
    flags = _install_libraries(layout, build)
    _install_descriptions(layout, build, flags)
    _install_command(layout, build)
    _install_debugger_script(layout, build)
    layout.copy("LICENSE", layout.prefix / "share/doc/colibri/copyright")


def _install_headers(layout):
    for name, path in headers.find_headers(BUILT).items():
        layout.copy(path, layout.includedir / name)


def _install_libraries(layout, build):
    """Returns the flags that each library is linked with, by its name."""
    flags = {}
    for library in LIBRARIES:
        built = f"bazel/packaging/lib{library.name}"
        file = f"lib{library.name}.so"
        layout.copy(built + ".a", layout.libdir / f"lib{library.name}.a")
        layout.copy(built + ".so", layout.libdir / f"{file}.{build['version']}")
        layout.link(layout.libdir / f"{file}.{build['abi']}", f"{file}.{build['version']}")
        layout.link(layout.libdir / file, f"{file}.{build['abi']}")
        flags[library.name] = (BUILT / (built + ".flags")).read_text().split()
    return flags


def _install_descriptions(layout, build, flags):
    version = build["version"]
    folder = layout.libdir / "pkgconfig"
    for library in LIBRARIES:
        layout.write(folder / f"{library.name}.pc",
                     descriptions.pkg_config(layout, library, version, flags[library.name]))
        layout.write(folder / f"{library.name}_static.pc",
                     descriptions.pkg_config(layout, library, version, flags[library.name],
                                             static=True))
    folder = descriptions.cmake_folder(layout)
    layout.write(folder / "colibriConfig.cmake",
                 descriptions.cmake_config(layout, version, build["abi"], flags))
    layout.write(folder / "colibriConfigVersion.cmake", descriptions.cmake_version(version))


def _install_command(layout, build):
    layout.copy("colibri", layout.prefix / "bin/colibri", 0o755)
    # Where the command looks for it; nobody links it.
    layout.copy("hook/libcolibri_preload.so",
                layout.prefix / "lib/colibri/libcolibri_preload.so")
    layout.write(layout.prefix / "share/man/man1/colibri.1",
                 manual.write_page(BUILT / "colibri", build["version"]))


def _install_debugger_script(layout, build):
    """Where gdb finds it by the name of the library that a program has loaded."""
    library = str(layout.libdir / f"libcolibri_core.so.{build['version']}")
    layout.copy("core/gdb.py",
                layout.prefix / "share/gdb/auto-load" / (library.lstrip("/") + "-gdb.py"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--prefix", default="/usr/local", help="%(default)s unless told")
    parser.add_argument("--destdir", default="", help="a folder to put before the prefix")
    parser.add_argument("--libdir", default="lib", help="of libraries, below the prefix")
    arguments = parser.parse_args()
    build = read_build()
    install(Layout(arguments.prefix, arguments.destdir, arguments.libdir), build)
    print(f"colibri {build['version']} is in {arguments.destdir}{arguments.prefix}")


if __name__ == "__main__":
    main()
