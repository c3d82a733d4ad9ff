"""The pages of both languages say the same: as many headings of each level, the same blocks of code,
tables of the same shape with the same figures and names, and the same figures in the text.
docs/zh/X.md is docs/X.md in Chinese.
"""

import os
import re
import sys

import documents

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# In the text only what looks measured: small numbers are words in one language and digits in the
# other.
FIGURE = re.compile(r"(?<![A-Za-z0-9_.])\d+(?:[.,]\d+)+(?![A-Za-z0-9_])")
NAME = re.compile(r"`[^`]*`")


def pairs():
    for page in documents.pages():
        if page == "README.zh-CN.md":
            yield "README.md", page
        elif page.startswith("docs/zh/"):
            yield "docs/" + page.removeprefix("docs/zh/"), page


def cells(row):
    return len(re.findall(r"(?<!\\)\|", re.sub(r"`[^`]*`", "", row)))


def rows(prose):
    """Of each row of a table: how many cells it has, its figures outside links, and its names."""
    for line in prose:
        if line.lstrip().startswith("|"):
            text = re.sub(r"\]\([^)]*\)", "]", line)
            yield cells(line), sorted(NUMBER.findall(text)), sorted(NAME.findall(line))


def figures(prose):
    return sorted(FIGURE.findall("\n".join(prose)))


def code(prose, blocks):
    """Fenced blocks with the marks before them, and lines that are code by their indentation."""
    return [[block.before] * block.before.startswith("<!-- ") + block.lines for block in blocks] + [
        line for line in prose if line.startswith("    ")]


def first_difference(one, other):
    for left, right in zip(one, other):
        if left != right:
            return f"{left} and {right}"
    return f"{len(one)} and {len(other)} of them"


def complaints(english, chinese):
    if not os.path.exists(os.path.join(documents.root(), english)):
        yield f"{chinese}: there is no {english}"
        return
    (prose, blocks), (zh_prose, zh_blocks) = (
        documents.split(documents.read(page)) for page in (english, chinese))
    for what, one, other in [
            ("headings", [level for level, _ in documents.headings(prose)],
             [level for level, _ in documents.headings(zh_prose)]),
            ("code", code(prose, blocks), code(zh_prose, zh_blocks)),
            ("tables", list(rows(prose)), list(rows(zh_prose))),
            ("figures", figures(prose), figures(zh_prose))]:
        if one != other:
            yield f"{english}, {chinese}: {what} differ: {first_difference(one, other)}"


def main():
    compared = list(pairs())
    found = [each for pair in compared for each in complaints(*pair)]
    alone = set(documents.pages()) - {page for pair in compared for page in pair}
    print("\n".join(found) or f"{len(compared)} pages; in one language: {sorted(alone)}")
    return 1 if found or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
