"""What colibri is built with: all of it from Debian's packages, which bazel/setup installs.

Nothing is downloaded while building. For colibri's own WORKSPACE, and for those of others:
samples/consumers/bazel.
"""

load("//bazel:version.bzl", "version_repository")

# What Debian installs below /usr; bazel/NAME.BUILD says how it is linked.
_INSTALLED = [
    "boost",
    "cli11",
    "client_libraries",
    "google_benchmark",
    "googletest",
    "libunwind",
    "nlohmann_json",
    "openssl",
    "spdlog",
    "state_threads",
]

def colibri_repositories(path):
    """Declares them, but for those that the workspace has already.

    Args:
      path: where colibri's sources are, as in local_repository.
    """
    known = native.existing_rules()

    # Bazel 4 asks for these three in every build; see bazel/rules_cc.
    shims = {
        "remote_coverage_tools": path + "/bazel/coverage_tools",
        "rules_cc": path + "/bazel/rules_cc",
        "rules_java": "/usr/share/bazel/rules/java",
    }
    for name, folder in shims.items():
        if name not in known:
            native.local_repository(name = name, path = folder)
    if "colibri_version" not in known:
        version_repository(name = "colibri_version")
    for name in _INSTALLED:
        if name not in known:
            native.new_local_repository(
                name = name,
                build_file = "@colibri//bazel:%s.BUILD" % name,
                path = "/usr",
            )
