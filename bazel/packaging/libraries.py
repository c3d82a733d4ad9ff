"""The libraries that are installed, as users are told of them; bazel/packaging/BUILD.bazel has the same."""

import collections

# `name`: of the file, without lib, and for pkg-config; `target`: colibri::TARGET for CMake;
# `upon`: names of those that it needs.
Library = collections.namedtuple("Library", "name target upon description")

LIBRARIES = (
    Library("colibri_core", "core", (), "Coroutines with stacks, schedulers, channels, timers"),
    Library("colibri", "hook", ("colibri_core",), "Blocking calls of libc that park a coroutine"),
    Library("colibri_net", "net", ("colibri_core",), "Sockets and servers on coroutines"),
    Library("colibri_tls", "tls", ("colibri_net",), "TLS on coroutines, by OpenSSL"),
    Library("colibri_http", "http", ("colibri_net",), "HTTP/1.1 and WebSockets on coroutines"),
    Library("colibri_https", "https", ("colibri_http", "colibri_tls"), "HTTP over TLS"),
    Library("colibri_testing", "testing", ("colibri_core",),
            "Seeds and virtual time, for tests of what is written on colibri"),
)

HOOKS = "colibri"
# The hooks are to be there also where the program's own objects call none of them: its libraries
# do. Linkers leave out what nobody asks for; this asks an archive for one of them, and so for all.
ASK_FOR_HOOKS = "--undefined=recv"

