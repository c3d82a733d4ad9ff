"""Libraries as they are installed: what many cc_library are in the build is one file each.

A library is cut by packages: it has what its `deps` are made of, less what the libraries that it
stands `upon` have.
"""

load("@colibri_version//:version.bzl", "ABI_VERSION")

InstalledLibrary = provider(
    doc = "A library that others stand upon.",
    fields = {
        "owners": "dictionary of the labels whose objects and flags are in it or in those below",
        "shared": "depset of the shared libraries: it and those below",
    },
)

def _files(ctx, files):
    return DefaultInfo(files = depset(files), runfiles = ctx.runfiles(files))

def _archives(linker_inputs, pic):
    """The archives of objects for a shared library (`pic`) or for a static one."""
    archives = []
    for linker_input in linker_inputs:
        for library in linker_input.libraries:
            archive = library.pic_static_library if pic else library.static_library

            # Some compilations make one kind of object alone, which serves for both.
            archive = archive or library.static_library or library.pic_static_library
            if archive:
                archives.append(archive)
    return archives

def _whole(archives):
    return ["-Wl,--whole-archive"] + [archive.path for archive in archives] + ["-Wl,--no-whole-archive"]

def _static_library(ctx, compiler, archiver, archives):
    """One archive with one object.

    So whoever refers to anything in it gets all of it, as a program does in the build: also what
    nobody calls, and what the environment starts; and hooks that only shared libraries call.
    """
    library = ctx.actions.declare_file("lib%s.a" % ctx.label.name)
    ctx.actions.run_shell(
        outputs = [library],
        inputs = archives,
        tools = ctx.files._cc_toolchain,
        command = 'set -e; object=${3%.a}.o; "$1" -r -nostdlib -o "$object" "${@:4}"; ' +
                  'strip --strip-debug "$object"; "$2" rcsD "$3" "$object"; rm "$object"',
        arguments = [compiler, archiver, library.path] + _whole(archives),
        use_default_shell_env = True,
        mnemonic = "StaticLibrary",
    )
    return library

def _shared_library(ctx, compiler, archives, below, flags):
    library = ctx.actions.declare_file("lib%s.so" % ctx.label.name)
    ctx.actions.run_shell(
        outputs = [library],
        inputs = archives + below + [ctx.file.exports],
        tools = ctx.files._cc_toolchain,
        command = 'set -e; "$1" -shared -o "$2" "${@:3}"; strip --strip-debug "$2"',
        arguments = [
            compiler,
            library.path,
            "-Wl,-soname,lib%s.so.%s" % (ctx.label.name, ABI_VERSION),
            "-Wl,--version-script=" + ctx.file.exports.path,
            # All that it needs, it says itself.
            "-Wl,--no-undefined",
            "-Wl,-z,now",
            "-Wl,-z,noexecstack",
        ] + _whole(archives) + [each.path for each in below] + ["-Wl,--as-needed"] + flags + ["-lstdc++"],
        use_default_shell_env = True,
        mnemonic = "SharedLibrary",
    )
    return library

def _installed_library(ctx):
    toolchain = ctx.attr._cc_toolchain[cc_common.CcToolchainInfo]
    below = depset(transitive = [each[InstalledLibrary].shared for each in ctx.attr.upon]).to_list()
    owners = {}
    for each in ctx.attr.upon:
        owners.update(each[InstalledLibrary].owners)

    linker_inputs = depset(transitive = [
        each[CcInfo].linking_context.linker_inputs
        for each in ctx.attr.deps
    ]).to_list()
    own = [each for each in linker_inputs if str(each.owner) not in owners]
    owners.update([(str(each.owner), True) for each in own])

    compiler = toolchain.compiler_executable
    static = _static_library(ctx, compiler, toolchain.ar_executable, _archives(own, False))
    flags = [flag for each in linker_inputs for flag in each.user_link_flags]
    shared = _shared_library(ctx, compiler, _archives(own, True), below, flags)

    # What a program that links it and those below statically has to link besides.
    flags = [flag for each in own for flag in each.user_link_flags]
    flags_file = ctx.actions.declare_file("lib%s.flags" % ctx.label.name)
    ctx.actions.write(flags_file, " ".join(flags) + "\n")
    return [
        _files(ctx, [static, shared, flags_file]),
        InstalledLibrary(owners = owners, shared = depset([shared], transitive = [depset(below)])),
    ]

installed_library = rule(
    implementation = _installed_library,
    doc = "libNAME.a, libNAME.so, and libNAME.flags: what the former needs of other libraries.",
    attrs = {
        "deps": attr.label_list(providers = [CcInfo]),
        "exports": attr.label(allow_single_file = True, mandatory = True),
        "upon": attr.label_list(providers = [InstalledLibrary]),
        "_cc_toolchain": attr.label(default = "@bazel_tools//tools/cpp:current_cc_toolchain"),
    },
)

def _installed_headers(ctx):
    headers = depset(transitive = [
        each[CcInfo].compilation_context.headers
        for each in ctx.attr.deps
    ]).to_list()

    # As they are included; where they lie in the sources is nobody's business.
    return _files(ctx, [
        header
        for header in headers
        if "/_virtual_includes/" in header.path and not header.owner.workspace_name
    ])

installed_headers = rule(
    implementation = _installed_headers,
    doc = "The project's own headers that `deps` give to those who use them.",
    attrs = {"deps": attr.label_list(providers = [CcInfo])},
)
