"""The version of colibri, which core/version.h states, for builds: @colibri_version//:version.bzl."""

_TEXT = '''"""What core/version.h says."""

VERSION = "%s"

# Of the shared libraries: libcolibri.so.0.
ABI_VERSION = "%s"
'''

def _read_version(context):
    numbers = {}
    for line in context.read(context.attr.header).splitlines():
        words = line.split(" ")
        if words[0] == "#define" and words[-1].isdigit():
            numbers[words[1]] = words[-1]
    version = [numbers["COLIBRI_VERSION_" + part] for part in ("MAJOR", "MINOR", "PATCH")]
    context.file("BUILD", "")
    context.file("version.bzl", _TEXT % (".".join(version), version[0]))

version_repository = repository_rule(
    implementation = _read_version,
    doc = "A file with VERSION and ABI_VERSION, as strings.",
    attrs = {"header": attr.label(default = "//core:version.h", allow_single_file = True)},
)
