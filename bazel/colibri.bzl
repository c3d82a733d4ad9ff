"""Rules of the project: a library or test of colibri's own code, with its flags and paths."""

load("//bazel:copts.bzl", "COPTS")

def colibri_library(name, **kwargs):
    """A cc_library whose headers are included as "colibri/PACKAGE/header.h"."""
    native.cc_library(
        name = name,
        copts = COPTS + kwargs.pop("copts", []),
        include_prefix = "colibri/" + native.package_name(),
        **kwargs
    )

def colibri_binary(name, **kwargs):
    """A cc_binary with the project's flags."""
    native.cc_binary(
        name = name,
        copts = COPTS + kwargs.pop("copts", []),
        **kwargs
    )

def colibri_test(name, srcs = None, deps = [], **kwargs):
    """A GoogleTest; its source is NAME.cc unless told otherwise."""
    native.cc_test(
        name = name,
        srcs = srcs or [name + ".cc"],
        copts = COPTS + kwargs.pop("copts", []),
        deps = deps + ["@googletest//:main"],
        **kwargs
    )

def tests_on_shared_stacks(tests, tags = [], **kwargs):
    """Each of these tests of the package again, as NAME_on_shared_stacks: with shared stacks as the
    default of every scheduler."""
    for test in tests:
        native.sh_test(
            name = test + "_on_shared_stacks",
            srcs = ["//test/support:on_shared_stacks.sh"],
            args = ["$(location :%s)" % test],
            data = [test],
            tags = ["no_qemu"] + tags,
            **kwargs
        )
