#!/usr/bin/env python3
"""Draws a flame graph of what perf has recorded.

    perf record --call-graph dwarf,8192 -p PID -- sleep 5
    perf script | bench/profile/flame_graph.py > profile.svg

A box a function, on top of the one that called it; as wide as its share of the samples.
"""

import html
import re
import sys
import zlib

_WIDTH = 1200  # pixels
_ROW = 16
_NARROWEST = 4  # boxes below this are left out
_LETTER = 6.6  # pixels wide, about


class _Frame:
    """A function as it was called along one way, and those that it called."""

    def __init__(self):
        self.samples = 0
        self.callees = {}

    def add(self, stack):
        frame = self
        frame.samples += 1
        for function in stack:
            frame = frame.callees.setdefault(function, _Frame())
            frame.samples += 1

    def depth(self):
        return 1 + max((callee.depth() for callee in self.callees.values()), default=0)


def _stacks(lines):
    """The stacks of perf script, outermost function first, without offsets and arguments."""
    frame = re.compile(r"^\s+[0-9a-f]+ (.*) \(.*\)$")
    stack = []
    for line in lines:
        match = frame.match(line)
        if match:
            stack.append(_short(match[1]))
        elif not line.strip() and stack:
            yield stack[::-1]
            stack = []
    if stack:
        yield stack[::-1]


def _short(function):
    function = re.sub(r"\+0x[0-9a-f]+$", "", function)
    while True:  # template arguments, from the innermost out
        shorter = re.sub(r"<[^<>]*>", "", function)
        if shorter == function:
            break
        function = shorter
    return re.sub(r"\(.*", "", function) or "?"


def _colour(function):
    """The same for the same function: red to yellow; colibri's own are blue."""
    shade = zlib.crc32(function.encode()) % 60
    if "colibri" in function:
        return "rgb(%d,%d,235)" % (120 + shade, 160 + shade)
    return "rgb(%d,%d,%d)" % (215 + shade // 2, 110 + 2 * shade, 60 + shade)


def _boxes(function, frame, left, level, rows, scale):
    """SVG of this frame and of all above it."""
    width = frame.samples * scale
    if width < _NARROWEST:
        return
    top = (rows - 1 - level) * _ROW
    name = html.escape(function)
    letters = int((width - 4) / _LETTER)
    label = name if len(function) <= letters else html.escape(function[:max(letters - 1, 0)]) + "…"
    yield ('<g><title>%s, %d samples</title><rect x="%.1f" y="%d" width="%.1f" height="%d" '
           'fill="%s"/>' % (name, frame.samples, left, top, width, _ROW - 1, _colour(function)))
    if letters >= 3:
        yield '<text x="%.1f" y="%d">%s</text>' % (left + 2, top + _ROW - 5, label)
    yield "</g>\n"
    for callee, callee_frame in sorted(frame.callees.items()):
        yield from _boxes(callee, callee_frame, left, level + 1, rows, scale)
        left += callee_frame.samples * scale


def main():
    root = _Frame()
    for stack in _stacks(sys.stdin):
        root.add(stack)
    if root.samples == 0:
        sys.exit("flame_graph.py: no stacks; pipe the output of perf script into it")
    rows = root.depth()
    print('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" font-family="monospace" '
          'font-size="11">' % (_WIDTH, rows * _ROW))
    print("".join(_boxes("all", root, 0, 0, rows, _WIDTH / root.samples)) + "</svg>")


if __name__ == "__main__":
    main()
