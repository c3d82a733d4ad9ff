"""Links of the documents lead somewhere: relative ones to a file, anchors to a heading.

Anchors are made as GitHub makes them, which mkdocs.yml has its pages do as well.
"""

import os
import re
import sys
import urllib.parse

import documents

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def anchor(text):
    """What GitHub makes of a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(page):
    prose, _ = documents.split(documents.read(page))
    counts, found = {}, set()
    for _, text in documents.headings(prose):
        name = anchor(text)
        number = counts.get(name, 0)
        counts[name] = number + 1
        found.add(f"{name}-{number}" if number else name)
    return found


def complaints(page):
    prose, _ = documents.split(documents.read(page))
    text = re.sub(r"`[^`\n]*`", "", "\n".join(prose))
    for link in LINK.findall(text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, fragment = urllib.parse.unquote(link).partition("#")
        target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        if not os.path.exists(os.path.join(documents.root(), target)):
            yield f"{page}: {link} leads nowhere"
        elif fragment and fragment not in anchors(target):
            yield f"{page}: {link}: {target} has no such heading; it has {sorted(anchors(target))}"


def main():
    pages = documents.pages()
    found = [each for page in pages for each in complaints(page)]
    print("\n".join(found) or f"{len(pages)} pages")
    return 1 if found or len(pages) < 10 else 0


if __name__ == "__main__":
    sys.exit(main())
