"""Compiler flags of colibri's own code; what is external keeps its own."""

COPTS = [
    "-std=c++20",
    "-Wall",
    "-Wextra",
    "-Wpedantic",
    "-Wshadow",
    "-Wconversion",
    "-Wnon-virtual-dtor",
    "-Wold-style-cast",
    "-Wcast-qual",
    "-Werror",
    # The switch is not shadow-stack safe and must not be marked as if it were.
    "-fcf-protection=none",
    # A frame larger than a guard page touches every page of it, so that an
    # overflow meets the guard instead of jumping over it.
    "-fstack-clash-protection",
]

# Files that define libc symbols must see the plain declarations: with
# fortification the headers define inline functions of the same names.
HOOK_COPTS = COPTS + ["-U_FORTIFY_SOURCE"]
