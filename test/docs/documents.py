"""What the tests of documents share: the tree's root, its pages, and what a page is made of."""

import os
import re

FENCE = re.compile(r"^(\s*)(```|~~~)")
HEADING = re.compile(r"^(#{1,6}) +(.*)$")


def root():
    """The source tree, also if only links to its files are here."""
    return os.path.dirname(os.path.realpath("README.md"))


def pages():
    """All pages for readers, as paths below the root."""
    found = [name for name in os.listdir(root()) if name.endswith(".md")]
    for directory, _, names in os.walk(os.path.join(root(), "docs")):
        found += [os.path.relpath(os.path.join(directory, name), root())
                  for name in names if name.endswith(".md")]
    return sorted(found)


def read(page):
    with open(os.path.join(root(), page), encoding="utf-8") as file:
        return file.read().splitlines()


class Block:
    """A fenced block: its lines without the fence, and the line before it."""

    def __init__(self, before):
        self.before = before
        self.lines = []


def split(lines):
    """The page's lines outside fenced blocks, and the blocks."""
    prose, blocks, block = [], [], None
    for line in lines:
        if FENCE.match(line):
            if block is None:
                block = Block(prose[-1] if prose else "")
            else:
                blocks.append(block)
                block = None
        elif block is not None:
            block.lines.append(line)
        else:
            prose.append(line)
    assert block is None, "a fenced block has no end"
    return prose, blocks


def headings(prose):
    """Level and text of each."""
    return [(len(match[1]), match[2]) for match in map(HEADING.match, prose) if match]
