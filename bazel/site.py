#!/usr/bin/env python3
"""The site of both languages, with a reference of every public name: site.py FOLDER

What mkdocs and Doxygen warn of is an error. The site works from a file system as well as from a
server, and loads nothing from elsewhere. Pages, and the sources that they link to, are copied to a
scratch folder first, where links lead within the site.
"""

import html
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

LINK = re.compile(r"(!?\[[^\]]*\]\()([^)\s#]*)(#[^)\s]*)?(\))")
# What programs print has long lines, which are read to their ends.
SAID = re.compile(r"^<!-- output .* -->\n```\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SECTIONS = {  # in the order of the navigation: pages, by language
    ("Learn", "学"): ["tutorial/index.md"],
    ("Do", "做"): ["howto/from_threads.md", "howto/from_libco.md", "howto/from_libgo.md",
                 "clients.md", "howto/several_cores.md", "howto/choose_stacks.md", "install.md",
                 "run.md", "testing.md", "howto/deploy.md", "debugging.md", "load_test.md"],
    ("Look up", "查"): ["vocabulary.md", "hooks.md", "net.md", "stacks.md", "environment.md"],
    ("Understand", "懂"): ["scheduler.md", "switch.md", "fork_and_signals.md", "scale.md",
                        "security.md", "benchmarks.md", "comparison.md"],
}
WORDS = {
    "en": {"guide": "Guide", "reference": "Reference", "names": "Every public name", "dark": "Dark",
           "light": "Light", "english": "index.html", "chinese": "zh/index.html"},
    "zh": {"guide": "指南", "reference": "参考", "names": "每个公开名字（英文）", "dark": "深色",
           "light": "浅色", "english": "../index.html", "chinese": "index.html"},
}
PUBLIC = ["colibri.h", "net.h", "http.h", "testing.h"]
PUBLIC_BESIDE = ["core/log_sink.h", "core/stackless.h", "hook/report.h", "net/admin_page.h",
                 "net/http_tls.h", "net/tls_stream.h"]


class Language:
    """The pages of one language on their way into the site."""

    def __init__(self, root, scratch, name):
        self.root, self.name = root, name
        self.scratch = scratch / name
        self.home = "README.md" if name == "en" else "README.zh-CN.md"
        self.folder = "docs/" if name == "en" else "docs/zh/"
        self.todo, self.staged = [self.home, self.folder + "index.md"], {}

    def place(self, path):
        """Where a file of the tree lies among the pages."""
        if path == self.home:
            return "index.md"
        if path == self.folder + "index.md":
            return "guide.md"
        if path.startswith(self.folder) and path.endswith(".md"):
            return path.removeprefix(self.folder)
        if path.endswith((".svg", ".png")):
            return os.path.basename(path)
        return f"source/{path}" + ("/files" * (self.root / path).is_dir()) + ".md"

    def stage(self):
        """Copies all pages, and what they link to."""
        for section in SECTIONS.values():
            self.todo += [self.folder + page for page in section
                          if (self.root / self.folder / page).exists()]
        while self.todo:
            path = self.todo.pop()
            if path in self.staged:
                continue
            target = self.scratch / self.place(path)
            target.parent.mkdir(parents=True, exist_ok=True)
            self.staged[path] = target
            if path.endswith((".svg", ".png")):
                shutil.copy(self.root / path, target)
            else:
                target.write_text(self.page(path), encoding="utf-8")

    def page(self, path):
        file = self.root / path
        if file.is_dir():
            names = sorted(each.name for each in file.iterdir()
                           if each.is_file() and not each.name.startswith("."))
            text = f"# {path}\n\n" + "\n".join(f"- [{name}]({name})" for name in names)
            return self.relinked(text, path, f"{path}/.")
        text = file.read_text(encoding="utf-8")
        if path.endswith(".md"):
            return self.relinked(as_python_markdown(text), path, path)
        kind = {".cc": "cpp", ".h": "cpp", ".py": "python", ".sh": "bash"}.get(file.suffix, "text")
        return f"# {path}\n\n````{kind}\n{text}\n````\n"

    def relinked(self, text, path, seen_from):
        def lead(match):
            opening, link, fragment, closing = match.groups(default="")
            if not link or re.match(r"[a-z]+:", link):
                return match[0]
            target = os.path.normpath(os.path.join(os.path.dirname(seen_from), link))
            if {target, self.home} == {"README.md", "README.zh-CN.md"}:
                other = WORDS[self.name]["chinese" if self.name == "en" else "english"]
                return f'<a href="{other}">{opening[1:-2]}</a>'
            self.todo.append(target)
            here = os.path.dirname(self.place(path))
            return opening + os.path.relpath(self.place(target), here or ".") + fragment + closing
        blocks = re.split(r"(^```.*?^```$)", text, flags=re.S | re.M)
        return "".join(block if block.startswith("```") else LINK.sub(lead, block)
                       for block in blocks)

    def navigation(self):
        word, index = WORDS[self.name], 0 if self.name == "en" else 1
        lines = ["  - colibri: index.md", f"  - {word['guide']}: guide.md"]
        for names, pages in SECTIONS.items():
            there = [page for page in pages if (self.root / self.folder / page).exists()]
            lines += [f"  - {names[index]}:"] + [f"    - {self.entry(page)}" for page in there]
        return "\n".join(lines + [f"  - {word['reference']}: names.md"])

    def entry(self, page):
        """The page, in the navigation; it takes headings as they stand, marks of code included."""
        heading = (self.root / self.folder / page).read_text(encoding="utf-8").partition("\n")[0]
        title = heading.removeprefix("# ").replace("`", "")
        return f'"{title}": {page}' if "`" in heading else page

    def lead_to_reference(self):
        """mkdocs leads to no page that it has not made, so a page of its own does."""
        folder = "" if self.name == "en" else "../"
        (self.scratch / "names.md").write_text(
            f"# {WORDS[self.name]['reference']}\n\n"
            f'<a href="{folder}reference/annotated.html">{WORDS[self.name]["names"]}</a>\n',
            encoding="utf-8")

    def build(self, site):
        self.stage()
        self.lead_to_reference()
        shutil.copy(self.root / "bazel/site.css", self.scratch)
        text = (self.root / "mkdocs.yml").read_text(encoding="utf-8")
        for name, value in {**WORDS[self.name], "language": self.name, "pages": self.scratch,
                            "site": site, "nav": self.navigation()}.items():
            text = text.replace("{" + name + "}", str(value))
        settings = self.scratch.with_suffix(".yml")
        settings.write_text(text, encoding="utf-8")
        subprocess.run(["mkdocs", "--quiet", "build", "--strict", "--config-file", settings],
                       check=True)


def as_python_markdown(text):
    """What GitHub's Markdown has and Python's has not: lists go on after two blanks, and begin
    without an empty line. Marks of quotations are for tests alone."""
    text = SAID.sub(lambda match: f'<pre class="said"><code>{html.escape(match[1])}</code></pre>', text)
    text = re.sub(r"^<!-- (code|output) .* -->\n", "", text, flags=re.M)
    blocks = re.split(r"(^```.*?^```$)", text, flags=re.S | re.M)
    return "".join(block if block.startswith("```") else
                   re.sub(r"^  (?=\S)", "    ", block, flags=re.M) for block in blocks)


def public_headers(root):
    found = set(PUBLIC_BESIDE)
    for name in PUBLIC:
        found |= set(re.findall(r'#include "colibri/(.*)"', (root / name).read_text()))
    return sorted(found)


def build_reference(root, site):
    settings = (root / "bazel/Doxyfile").read_text(encoding="utf-8") + (
        f"INPUT = bazel/namespaces.dox {' '.join(public_headers(root))}\nOUTPUT_DIRECTORY = {site}\n"
        "HTML_OUTPUT = reference\n")
    subprocess.run(["doxygen", "-"], input=settings, text=True, cwd=root, check=True)


def main():
    root = pathlib.Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", os.getcwd()))
    if len(sys.argv) != 2:
        sys.exit("usage: bazel run //:site -- FOLDER")
    site = pathlib.Path(os.environ.get("BUILD_WORKING_DIRECTORY", os.getcwd()), sys.argv[1])
    missing = [name for name in ("mkdocs", "doxygen") if shutil.which(name) is None]
    if missing:
        sys.exit(f"no {' and no '.join(missing)}: run bazel/setup --full")
    with tempfile.TemporaryDirectory() as scratch:
        Language(root, pathlib.Path(scratch), "en").build(site)
        Language(root, pathlib.Path(scratch), "zh").build(site / "zh")
    build_reference(root, site)
    print(f"{site}/index.html")


if __name__ == "__main__":
    main()
