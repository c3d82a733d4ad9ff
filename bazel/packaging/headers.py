"""The headers that are installed: those that users include, and what these include."""

import re

PUBLIC = (
    "colibri/colibri.h",
    "colibri/net.h",
    "colibri/http.h",
    "colibri/testing.h",
    "colibri/core/stackless.h",
    "colibri/hook/report.h",
    "colibri/net/admin_page.h",
    "colibri/net/http_tls.h",
    "colibri/net/tls_stream.h",
)

_INCLUDE = re.compile(r'^#include "(colibri/[^"]+)"', re.MULTILINE)
_PLACE = re.compile(r"/_virtual_includes/[^/]+/(colibri/.+)$")


def find_headers(built):
    """{name as it is included: its path} of all that belong to PUBLIC."""
    known = {match[1]: path for path in sorted(built.rglob("*.h"))
             if (match := _PLACE.search(str(path)))}
    found = {}
    open_names = list(PUBLIC)
    while open_names:
        name = open_names.pop()
        if name not in found:
            found[name] = known[name]
            open_names += _INCLUDE.findall(known[name].read_text())
    return found
