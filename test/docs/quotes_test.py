"""Code and messages in the documents are what is compiled and what is printed.

A comment before a fenced block says whose it is:

  <!-- code samples/hello.cc -->               all from the first #include on
  <!-- code samples/tutorial/step3.cc main --> what stands there between `// [main` and `// ]`
  <!-- output samples/traps/fork SETTING=1 --> the block's lines are among those that the program
                                               prints, in this order; `…` stands for anything
"""

import os
import re
import subprocess
import sys

import documents

MARK = re.compile(r"^<!-- (code|output) (.*) -->$")


def code(path, name=None):
    lines = documents.read(path)
    if name is None:
        first = next(i for i, line in enumerate(lines) if line.startswith("#include"))
        return lines[first:]
    begin = next((i for i, line in enumerate(lines) if line.strip() == f"// [{name}"), None)
    if begin is None:
        return [f"{path} has no // [{name}"]
    end = next(i for i in range(begin, len(lines)) if lines[i].strip() == "// ]")
    quoted = lines[begin + 1:end]
    indent = min(len(line) - len(line.lstrip()) for line in quoted if line)
    return [line[indent:] for line in quoted]


def output(program, *settings):
    environment = os.environ | dict(setting.split("=", 1) for setting in settings)
    ran = subprocess.run([program], env=environment, stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    return ran.stdout.splitlines()


def missing(wanted, printed):
    """The first line that was wanted and not printed after those before it, or None."""
    rest = iter(printed)
    for line in wanted:
        pattern = re.compile(".*".join(map(re.escape, line.split("…"))))
        if not any(pattern.fullmatch(each) for each in rest):
            return line
    return None


def complaints(page, seen):
    prose, blocks = documents.split(documents.read(page))
    marks = sum(1 for line in prose if line.startswith("<!-- ") and MARK.match(line))
    used = 0
    for block in blocks:
        match = MARK.match(block.before)
        if match is None:
            continue
        used += 1
        kind, words = match[1], match[2].split()
        if kind == "code":
            if code(*words) != block.lines:
                yield f"{page}: the code is not that of {' '.join(words)}"
            continue
        printed = seen.setdefault(match[2], None) or output(*words)
        seen[match[2]] = printed
        line = missing(block.lines, printed)
        if line is not None:
            said = "\n  ".join(printed)
            yield f"{page}: {match[2]} does not print\n  {line}\nbut\n  {said}"
    if used != marks:
        yield f"{page}: {marks - used} marks have no block behind them"


def main():
    seen = {}
    found = [each for page in documents.pages() for each in complaints(page, seen)]
    if not seen:
        found.append("no page quotes a message: is this the right directory?")
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
