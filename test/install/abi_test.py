"""What an old program would no longer find in a shared library is found, and nothing else is."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

# A function that no library has, among the symbols of one that is kept.
REMOVED = """    <elf-symbol name='_ZN7colibri7removedEi' version='COLIBRI_0' is-default-version='yes' \
type='func-type' binding='global-binding' visibility='default-visibility' is-defined='yes'/>
"""
FUNCTIONS = "  <elf-function-symbols>\n"


def abi(*options):
    return subprocess.run([sys.executable, "bazel/packaging/abi.py", *options], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Abi(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.kept = pathlib.Path(folder.name)
        self.assertEqual(abi("--update", f"--kept={self.kept}").returncode, 0)

    def change(self, library, old, new):
        path = self.kept / f"{library}.abi"
        text = path.read_text()
        self.assertIn(old, text)
        path.write_text(text.replace(old, new, 1))

    def test_the_same_library_misses_nothing(self):
        result = abi(f"--kept={self.kept}")
        self.assertEqual(result.returncode, 0, result.stdout)

    def test_a_removed_function_is_named(self):
        for library in ("colibri", "colibri_net"):
            self.change(library, FUNCTIONS, FUNCTIONS + REMOVED)
        result = abi(f"--kept={self.kept}")
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertEqual(result.stdout.count("colibri::removed(int)"), 2, result.stdout)
        self.assertIn("libcolibri_net.so:", result.stdout)
        self.assertNotIn("libcolibri_core.so:", result.stdout)

    def test_an_added_function_is_nothing_to_miss(self):
        text = (self.kept / "colibri_net.abi").read_text()
        first = text[text.index(FUNCTIONS) + len(FUNCTIONS):].partition("\n")[0] + "\n"
        self.change("colibri_net", first, "")
        result = abi(f"--kept={self.kept}")
        self.assertEqual(result.returncode, 0, result.stdout)


if __name__ == "__main__":
    unittest.main()
