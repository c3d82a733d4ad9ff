"""colibri.1, from what the command says of itself."""

import re
import subprocess

_PAGE = """.TH COLIBRI 1 "" "colibri {version}" "User Commands"
.SH NAME
colibri \\- {purpose}
.SH SYNOPSIS
.B colibri
[\\fIOPTIONS\\fR] \\fISUBCOMMAND\\fR \\fIARGUMENTS\\fR
.SH OPTIONS
{options}
.SH SUBCOMMANDS
{commands}
.SH EXIT STATUS
Of \\fBrun\\fR, that of the program; 126 or 127 if it cannot be run.
Of \\fBdoctor\\fR, 1 if some of the program's calls do not come to colibri, 2 if none can.
Of the others, 1 if no answer came.
.SH EXAMPLES
.nf
colibri run ./server \\-\\-port 7777
colibri doctor ./server
colibri ps 4711 \\-\\-state parked
.fi
.SH ENVIRONMENT
.TP
.B COLIBRI_ADMIN
Set for a program, has it answer \\fBps\\fR and the other questions: see docs/debugging.md.
"""


def _help(command, *words):
    """(what it is for, sections {name: lines}) of what --help prints."""
    text = subprocess.run([command, *words, "--help"], check=True, capture_output=True,
                          text=True).stdout
    purpose, _, rest = text.strip().partition("\n")
    sections = {}
    for block in rest.split("\n\n"):
        title, _, lines = block.strip().partition("\n")
        sections[title.rstrip(":")] = lines.splitlines()
    return purpose, sections


def _roff(text):
    return text.replace("\\", "\\e").replace("-", "\\-")


def _items(lines):
    """Paragraphs of the lines "NAME  MEANING"; a meaning may stand in the next line."""
    items = []
    for line in lines:
        if line.startswith("    "):
            items[-1][1] += " " + line.strip()
        else:
            name, _, meaning = line.strip().partition("  ")
            items.append([name, meaning.strip()])
    return "\n".join(f".TP\n.B {_roff(name)}\n{_roff(meaning.strip())}"
                     for name, meaning in items)


def _command_section(command, name):
    purpose, sections = _help(command, name)
    lines = sections.get("Positionals", []) + [
        line for line in sections.get("Options", []) if "--help" not in line]
    words = "PROGRAM ARGUMENTS" if name in ("run", "doctor") else " ".join(
        re.findall(r"^  (\w+)", "\n".join(sections.get("Positionals", [])), re.MULTILINE))
    return f".SS colibri {name} {_roff(words)}\n{_roff(purpose)}.\n{_items(lines)}"


def write_page(command, version):
    """The page of `command`, the path of a binary that runs here."""
    purpose, sections = _help(command)
    names = [line.split()[0] for line in sections["Subcommands"]]
    return _PAGE.format(version=version, purpose=_roff(purpose.rstrip(".").lower()),
                        options=_items(sections["Options"]),
                        commands="\n".join(_command_section(command, name) for name in names))
