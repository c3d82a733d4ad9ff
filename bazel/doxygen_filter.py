#!/usr/bin/env python3
"""A header as Doxygen should see it: what readers of the header see.

- A comment beside a declaration, "// …", is its documentation.
- A comment above a function holds for those below it, too, up to the next comment or blank line.
"""

import re
import sys

BESIDE = re.compile(r"^(.*[;,{]|  k\w+) +// (.*)$")
FUNCTION = re.compile(r"^ *(?!//|:|#|return\b|if\b|for\b)[\w\[\]<>:&*~,.=\- ]*[\w\])>=*]\(.*")
TEMPLATE = re.compile(r"^ *(template <|requires )")


def filtered(lines):
    documentation, above = [], ""  # the comment in force, and the line before
    for line in lines:
        if line.lstrip().startswith("///"):
            documentation = [*(documentation if above.lstrip().startswith("///") else []), line]
        elif not line.strip():
            documentation = []
        else:
            begins = re.search(r"[;}]$|[;}]  ///?<? ", above) or above.endswith("{}")
            if documentation and begins and (FUNCTION.match(line) or TEMPLATE.match(line)):
                yield from documentation
            line = BESIDE.sub(r"\1  ///< \2", line)
        yield line
        above = line


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        print("\n".join(filtered(file.read().splitlines())))
