"""Rules of the project: a library or test of colibri's own code, with its flags and paths."""

load("//bazel:copts.bzl", "COPTS")

# Programs of bazel run //:coverage keep their counters however they end.
_COUNTERS = select({
    "//bazel:coverage_is_measured": ["//test/support:counters"],
    "//conditions:default": [],
})

def colibri_library(name, **kwargs):
    """A cc_library whose headers are included as "colibri/PACKAGE/header.h"."""
    native.cc_library(
        name = name,
        copts = COPTS + kwargs.pop("copts", []),
        include_prefix = "colibri/" + native.package_name(),
        **kwargs
    )

def colibri_binary(name, deps = [], **kwargs):
    """A cc_binary with the project's flags."""
    native.cc_binary(
        name = name,
        copts = COPTS + kwargs.pop("copts", []),
        deps = deps + _COUNTERS,
        **kwargs
    )

def colibri_test(name, srcs = None, deps = [], **kwargs):
    """A GoogleTest; its source is NAME.cc unless told otherwise."""
    native.cc_test(
        name = name,
        srcs = srcs or [name + ".cc"],
        copts = COPTS + kwargs.pop("copts", []),
        deps = deps + [
            "//test/support:under_valgrind",
            "@googletest//:main",
        ] + _COUNTERS,
        **kwargs
    )

def tests_on_shared_stacks(tests, tags = [], checked = True, **kwargs):
    """Each of these tests of the package again, with shared stacks as the default of every scheduler.

    As NAME_on_shared_stacks; and, if `checked`, as NAME_on_checked_stacks in check mode, which shows
    that neither colibri nor the test breaks the law of shared stacks. Not for tests whose threads
    use variables of a coroutine that stays on its stack meanwhile.
    """
    for test in tests:
        _test_on_shared_stacks(test, "none", "_on_shared_stacks", ["no_qemu"] + tags, **kwargs)

        if not checked:
            continue

        # Sanitizers have handlers of their own for what is looked for here.
        quiet = ["no_asan", "no_qemu", "no_tsan", "no_valgrind"]
        quiet += [tag for tag in tags if tag not in quiet]
        _test_on_shared_stacks(test, "shared", "_on_checked_stacks", quiet, **kwargs)

def tests_on_io_uring(tests, tags = [], **kwargs):
    """Each of these tests of the package again, as NAME_on_io_uring, with that engine.

    Where the system refuses io_uring, they test epoll once more.
    """
    for test in tests:
        native.sh_test(
            name = test + "_on_io_uring",
            srcs = ["//test/support:on_io_uring.sh"],
            args = ["$(location :%s)" % test],
            data = [test],
            tags = ["no_qemu", "no_valgrind"] + tags,
            **kwargs
        )

def browser_test(name, programs, **kwargs):
    """A Python script, NAME.py, that looks at what `programs` make in Debian's chromium.

    It gets their paths, and finds test/support/chromium.py. Passes where there is no chromium.
    """
    native.sh_test(
        name = name,
        srcs = ["//samples/cluster:python3.sh"],
        args = ["$(rootpath %s.py)" % name] + ["$(rootpath %s)" % program for program in programs],
        data = programs + [
            name + ".py",
            "//test/support:chromium.py",
        ],
        tags = [
            "local",  # the browser wants a /tmp and a /dev/shm of the machine's own
            "no_asan",
            "no_qemu",
            "no_tsan",
            "no_valgrind",
        ],
        **kwargs
    )

def _test_on_shared_stacks(test, check, suffix, tags, **kwargs):
    native.sh_test(
        name = test + suffix,
        srcs = ["//test/support:on_shared_stacks.sh"],
        args = [check, "$(location :%s)" % test],
        data = [test],
        tags = tags,
        **kwargs
    )
