"""The static archives behind a library, for tests that look into them."""

def _archives_impl(ctx):
    files = []
    for dep in ctx.attr.deps:
        for linker_input in dep[CcInfo].linking_context.linker_inputs.to_list():
            if linker_input.owner.package != ctx.attr.package or linker_input.owner.workspace_name:
                continue
            for library in linker_input.libraries:
                archive = library.pic_static_library or library.static_library
                if archive and archive not in files:
                    files.append(archive)
    return [DefaultInfo(files = depset(files), runfiles = ctx.runfiles(files))]

archives = rule(
    doc = "The archives of all libraries of one package that `deps` bring along.",
    implementation = _archives_impl,
    attrs = {
        "deps": attr.label_list(providers = [CcInfo]),
        "package": attr.string(mandatory = True),
    },
)
