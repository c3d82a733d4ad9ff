"""Fuzzers: a function that takes any bytes, tried on a kept corpus in every test run."""

load("//bazel:colibri.bzl", "colibri_binary")
load("//bazel:copts.bzl", "COPTS")

def fuzzer(name, deps):
    """NAME.cc defines LLVMFuzzerTestOneInput, which ends the process if the input shows a defect.

    //test/fuzz:NAME_corpus_test gives it every file of corpus/NAME, with whatever compiler and
    sanitizers are in use. //test/fuzz:NAME is libFuzzer's program, for --config=fuzz alone; see
    run.sh.
    """
    native.cc_library(
        name = name + "_input",
        testonly = True,
        srcs = [name + ".cc"],
        hdrs = ["expect.h"],
        copts = COPTS,
        deps = deps,
        alwayslink = True,
    )
    native.cc_test(
        name = name + "_corpus_test",
        size = "small",
        srcs = ["replay_main.cc"],
        args = ["$(rootpath corpus/%s)" % name],
        copts = COPTS,
        data = ["corpus/" + name],
        deps = [":" + name + "_input"],
    )
    colibri_binary(
        name = name,
        testonly = True,
        linkopts = ["-fsanitize=fuzzer"],
        tags = ["manual"],
        deps = [":" + name + "_input"],
    )
