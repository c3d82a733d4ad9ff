"""What is installed is all that programs need: built with CMake and with pkg-config, they run.

  installed_test.py        in the runfiles, where bazel/packaging/ and samples/consumers/ are
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import echo_check

HERE = pathlib.Path.cwd()
CONSUMERS = HERE / "samples/consumers"
FLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]

# Folders of headers that belong to libc and to the compiler.
ALWAYS_THERE = ("arpa", "linux", "net", "netinet", "sanitizer", "sys")

# Everything that the libraries of net have, and that they find each other.
ALL_OF_NET = """
#include <colibri/core/stackless.h>
#include <colibri/http.h>
#include <colibri/net/admin_page.h>
#include <colibri/net/http_tls.h>

int main() {
  try {
    colibri::http_over_tls({.certificate = {"absent.pem", "absent.pem"}});
  } catch (const std::exception&) {
    return 7;
  }
}
"""

# What it is compiled with, and what it runs with.
VERSION = """
#include <colibri/core/version.h>
#include <cstdio>

int main() {
  static_assert(COLIBRI_VERSION ==
                COLIBRI_VERSION_MAJOR * 10000 + COLIBRI_VERSION_MINOR * 100 + COLIBRI_VERSION_PATCH);
  std::printf("%d.%d.%d %s", COLIBRI_VERSION_MAJOR, COLIBRI_VERSION_MINOR, COLIBRI_VERSION_PATCH,
              colibri::version());
}
"""

# Calls nothing that is hooked, but its library does.
CALLER = """
#include <colibri/colibri.h>

extern "C" int sleep_in_library();

int main() {
  return colibri::run([] {
    int others = 0;
    colibri::go([&] { ++others; });
    sleep_in_library();
    return others == 1 ? 0 : 1;
  });
}
"""
LIBRARY = '#include <unistd.h>\nextern "C" int sleep_in_library() { return usleep(1000); }\n'

# That exceptions stay libgcc's though libunwind has its functions, too.
UNWINDER = """
#include <dlfcn.h>

#include <colibri/colibri.h>
#include <cstring>

int main() {
  Dl_info info{};
  dladdr(dlsym(RTLD_DEFAULT, "_Unwind_RaiseException"), &info);
  return std::strstr(info.dli_fname, "libgcc_s") != nullptr ? 0 : 1;
}
"""


def run(*command, **options):
    """The output of a command that must succeed."""
    result = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, **options)
    if result.returncode != 0:
        raise AssertionError(f"{command} ended with {result.returncode}:\n{result.stdout}")
    return result.stdout


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.prefix = cls.folder / "prefix"
        cls.install(f"--prefix={cls.prefix}")
        cls.libraries = {"LD_LIBRARY_PATH": str(cls.prefix / "lib")}

    @staticmethod
    def install(*options):
        run(sys.executable, "bazel/packaging/install.py", *options)

    def pkg_config(self, *words):
        found = {"PKG_CONFIG_PATH": str(self.prefix / "lib/pkgconfig")}
        return run("pkg-config", *words, env={**os.environ, **found}).split()

    def compile(self, name, source, *flags):
        """Returns the path of the program or library of the source's text."""
        (self.folder / f"{name}.cc").write_text(source)
        run("g++", *FLAGS, "-o", self.folder / name, self.folder / f"{name}.cc", *flags)
        return self.folder / name

    def status_of(self, program):
        return subprocess.run([program], env={**os.environ, **self.libraries}, timeout=60,
                              check=False).returncode

    def expect_echo(self, program):
        echo_check.check_echo(program, self.libraries)

    def links(self, program):
        return re.findall(r"NEEDED\s+(libcolibri\S*)", run("objdump", "-p", program))

    # The projects -------------------------------------------------------------------------------

    def build_with_cmake(self, name, *options):
        build = self.folder / name
        run("cmake", "-S", CONSUMERS / "cmake", "-B", build,
            f"-DCMAKE_PREFIX_PATH={self.prefix}", *options)
        run("cmake", "--build", build)
        self.assertIn("100% tests passed", run("ctest", "--test-dir", build))
        return build / "echo"

    def build_with_make(self, package):
        folder = self.folder / package
        shutil.copytree(CONSUMERS / "pkg_config", folder)
        run("make", "-C", folder, f"PKG_CONFIG_PATH={self.prefix}/lib/pkgconfig",
            f"COLIBRI={package}")
        return folder / "echo"

    def test_cmake_shared(self):
        program = self.build_with_cmake("cmake_shared")
        self.assertEqual(self.links(program), ["libcolibri.so.0", "libcolibri_core.so.0"])
        self.expect_echo(program)

    def test_cmake_static(self):
        program = self.build_with_cmake("cmake_static", "-DCOLIBRI_USE_STATIC_LIBS=ON")
        self.assertEqual(self.links(program), [])
        self.expect_echo(program)

    def test_cmake_asks_for_a_version(self):
        (self.folder / "versions").mkdir()
        for version, fits in (("0.1", True), ("0.1.0", True), ("0.2", False), ("1", False)):
            (self.folder / "versions/CMakeLists.txt").write_text(
                "cmake_minimum_required(VERSION 3.18)\nproject(versions LANGUAGES CXX)\n"
                f"find_package(colibri {version} QUIET)\nmessage(\"found ${{colibri_FOUND}}.\")\n")
            output = run("cmake", "-S", self.folder / "versions", "-B", self.folder / "versions",
                         f"-DCMAKE_PREFIX_PATH={self.prefix}")
            self.assertIn(f"found {1 if fits else 0}.", output, version)
            shutil.rmtree(self.folder / "versions/CMakeFiles")
            (self.folder / "versions/CMakeCache.txt").unlink()

    def test_pkg_config_shared(self):
        program = self.build_with_make("colibri_net")
        self.assertEqual(self.links(program), ["libcolibri_net.so.0", "libcolibri_core.so.0"])
        self.expect_echo(program)

    def test_pkg_config_static(self):
        program = self.build_with_make("colibri_net_static")
        self.assertEqual(self.links(program), [])
        self.expect_echo(program)

    def test_pkg_config_finds_what_tests_need(self):
        source = (CONSUMERS / "cmake/pauses_test.cc").read_text()
        for kind in ("", "_static"):
            flags = self.pkg_config("--cflags", "--libs", "colibri_testing" + kind, "colibri" + kind)
            program = self.compile("pauses" + kind, source, *flags)
            self.assertEqual(self.status_of(program), 0, kind)

    # Which colibri it is ------------------------------------------------------------------------

    def test_all_state_the_same_version(self):
        program = self.compile("version", VERSION, *self.pkg_config("--cflags", "--libs",
                                                                    "colibri_core"))
        compiled, linked = subprocess.run(
            [program], env={**os.environ, **self.libraries}, check=True, capture_output=True,
            text=True).stdout.split()
        self.assertEqual(compiled, linked)
        changes = pathlib.Path("CHANGELOG.md").read_text()
        self.assertEqual(re.search(r"^## (\d+\.\d+\.\d+)", changes, re.MULTILINE)[1], linked)
        self.assertEqual(run(self.prefix / "bin/colibri", "--version"), f"colibri {linked}\n")
        for description in (self.prefix / "lib/pkgconfig").glob("*.pc"):
            self.assertIn(f"\nVersion: {linked}\n", description.read_text(), description)
        cmake = (self.prefix / "lib/cmake/colibri/colibriConfigVersion.cmake").read_text()
        self.assertIn(f'set(PACKAGE_VERSION "{linked}")', cmake)
        library = (self.prefix / "lib/libcolibri_core.so").resolve().name
        self.assertEqual(library, f"libcolibri_core.so.{linked}")
        package = run("dpkg-deb", "--field", self.package(), "Version")
        self.assertEqual(package.strip(), linked)

    # What is in the libraries -------------------------------------------------------------------

    def test_all_of_net_is_found(self):
        for package in ("colibri_https", "colibri_https_static"):
            flags = self.pkg_config("--cflags", "--libs", package)
            program = self.compile("all_" + package, ALL_OF_NET, *flags)
            self.assertEqual(self.status_of(program), 7, package)

    def test_hooks_reach_calls_of_other_libraries(self):
        library = self.compile("libcaller.so", LIBRARY, "-shared", "-fPIC")
        for package in ("colibri", "colibri_static"):
            flags = self.pkg_config("--cflags", "--libs", package)
            program = self.compile("calls_" + package, CALLER, "-Wl,--as-needed", *flags, library,
                                   f"-Wl,-rpath,{self.folder}")
            self.assertEqual(self.status_of(program), 0, package)

    def test_hooks_may_come_after_core(self):
        source = (CONSUMERS / "cmake/echo.cc").read_text()
        program = self.compile("core_first", source, f"-I{self.prefix}/include",
                               f"-L{self.prefix}/lib", "-lcolibri_core", "-lcolibri")
        self.expect_echo(program)

    def test_exceptions_stay_with_libgcc(self):
        for package in ("colibri", "colibri_static"):
            flags = self.pkg_config("--cflags", "--libs", package)
            program = self.compile("unwinder_" + package, UNWINDER, *flags)
            self.assertEqual(self.status_of(program), 0, package)

    def exported(self, library):
        lines = run("nm", "-D", "--defined-only", "--without-symbol-versions",
                    self.prefix / "lib" / library).splitlines()
        return {line.split()[-1] for line in lines if line.split()[-2] != "A"}

    def test_all_hooks_are_exported(self):
        names = re.findall(r'"(\w+)"', pathlib.Path("hook/hooked_names.h").read_text())
        self.assertGreater(len(names), 300)
        self.assertEqual(set(names) - self.exported("libcolibri.so"), set())

    def test_nothing_else_is_exported(self):
        for library in ("core", "net", "tls", "http", "https"):
            names = self.exported(f"libcolibri_{library}.so")
            self.assertGreater(len(names), 5)
            self.assertEqual([name for name in names if "colibri" not in name], [], library)

    def test_headers_need_no_other_package(self):
        for path in (self.prefix / "include").rglob("*.h"):
            text = path.read_text()
            for name in re.findall(r"#include <(\w+)/", text):
                if f"#if __has_include(<{name}/" not in text:
                    self.assertIn(name, ALWAYS_THERE, path)

    # What lies beside them ----------------------------------------------------------------------

    def test_the_command_finds_its_library(self):
        output = run(self.prefix / "bin/colibri", "run", "/bin/echo", "hello")
        self.assertEqual(output, "hello\n")

    def test_the_manual_has_all_subcommands(self):
        page = (self.prefix / "share/man/man1/colibri.1").read_text()
        usage = run(self.prefix / "bin/colibri", "--help").partition("Subcommands:\n")[2]
        names = re.findall(r"^  (\w+)", usage, re.MULTILINE)
        self.assertIn("run", names)
        self.assertEqual(re.findall(r"^\.SS colibri (\w+)", page, re.MULTILINE), names)

    def test_gdb_loads_its_script_by_itself(self):
        program = self.compile("debugged", "int main() {}\n", "-Wl,--no-as-needed",
                               *self.pkg_config("--libs", "colibri_core"))
        output = run("gdb", "-nx", "-batch", "-iex", f"add-auto-load-safe-path {self.prefix}",
                     "-iex", f"set auto-load scripts-directory {self.prefix}/share/gdb/auto-load",
                     "-ex", f"set env LD_LIBRARY_PATH {self.prefix}/lib", "-ex", "start",
                     "-ex", "info coroutines", program)
        self.assertIn("No coroutines", output)

    def package(self):
        """The path of a package, made now."""
        maintainer = {"DEBFULLNAME": "A. Maintainer", "DEBEMAIL": "maintainer@example.org"}
        run(sys.executable, "bazel/packaging/debian_package.py", self.folder / "deb",
            env={**os.environ, **maintainer})
        package, = (self.folder / "deb").glob("colibri_*.deb")
        return package

    def test_a_package_is_the_same_below_usr(self):
        package = self.package()
        control = run("dpkg-deb", "--info", package)
        self.assertRegex(control, r"Depends: .*libspdlog1")
        self.assertIn("Maintainer: A. Maintainer <maintainer@example.org>\n", control)
        run("dpkg-deb", "--extract", package, self.folder / "unpacked")
        usr = self.folder / "unpacked/usr"
        self.assertEqual({path.name for path in usr.iterdir()}, {"bin", "include", "lib", "share"})
        library, = usr.glob("lib/*/libcolibri.so")
        self.assertTrue(library.is_symlink())
        description, = usr.glob("lib/*/pkgconfig/colibri.pc")
        self.assertTrue(description.read_text().startswith("prefix=/usr\n"))

    def test_a_second_installation_replaces_the_first(self):
        root = self.folder / "root"
        for _ in range(2):
            self.install("--prefix=/opt/colibri", f"--destdir={root}")
        self.assertEqual([path.name for path in root.iterdir()], ["opt"])


if __name__ == "__main__":
    unittest.main()
