"""The version of colibri, for all that states it: SemVer, of which the first number is the ABI's."""

VERSION = "0.1.0"

# Of the shared libraries: libcolibri.so.0. To be counted up whenever an old program would no longer run.
ABI_VERSION = VERSION.partition(".")[0]
