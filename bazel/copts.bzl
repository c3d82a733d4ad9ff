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
    # core and hook call libc by its plain names; fortified headers would define
    # inline functions of the same names.
    "-U_FORTIFY_SOURCE",
    # The switch is not shadow-stack safe and must not be marked as if it were.
    "-fcf-protection=none",
    # A frame larger than a guard page touches every page of it, so that an
    # overflow meets the guard instead of jumping over it.
    "-fstack-clash-protection",
    # Unwinding goes by the tables; Debian's toolchain keeps frame pointers by default, and they
    # cost a push and a pop in every function around the switch.
    "-fomit-frame-pointer",
]
