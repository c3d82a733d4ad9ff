"""Coroutines of colibri in gdb: in a process and in a core file, on private and on shared stacks.

    (gdb) source core/gdb.py
    (gdb) info coroutines [WHO...]
    (gdb) coroutine ID bt|frame WHICH|locals|any command of gdb
    (gdb) coroutine apply WHO bt
    (gdb) coroutine 0

WHO is an id, a state, a pattern for names such as "session*", or "all". See docs/debugging.md.

Nothing is changed in the process, so all of this works on a core file as well. Where things are,
the program says by its table colibri_debugger_layout; debug information is needed for source lines
and variables only.

How a parked coroutine comes to be seen: gdb lets a program of ours say who called a frame
(Unwinder). Asked for the caller of a thread's innermost frame, it names the coroutine's innermost
frame, and from there gdb goes on by itself. If the coroutine's stack is a shared one that somebody
else occupies, its bytes lie in the heap, and gdb is sent there: every stack pointer and frame
pointer into the stack becomes one into the copy, and so frames and variables are read from it.
"""

import fnmatch
import re
import struct

import gdb
from gdb.unwinder import Unwinder

VERSION = 1
STATES = ("created", "ready", "running", "resuming", "suspended", "parked", "done")
WAITS = (None, "descriptor %d, to read", "descriptor %d, to write", "poll", "sleep",
         "another's end", "another coroutine or thread", "another coroutine or thread")


class Machine:
    """What a switch leaves on a stack, from the stack pointer up; see core/context.cc."""

    def __init__(self, pc, sp, fp, saved, frame_bytes, kept):
        self.pc, self.sp, self.fp = pc, sp, fp
        self.saved = saved  # register: offset
        self.frame_bytes = frame_bytes
        self.kept = kept  # registers that calls preserve, besides these


MACHINES = {
    "i386:x86-64": Machine("rip", "rsp", "rbp", {"rbx": 0, "rbp": 8, "rip": 16}, 24,
                           ("rbx", "r12", "r13", "r14", "r15")),
    "aarch64": Machine("pc", "sp", "x29",
                       {**{"x%d" % n: 64 + 8 * (n - 19) for n in range(19, 30)}, "pc": 152}, 160,
                       tuple("x%d" % n for n in range(19, 29)) + ("x30",)),
}


def machine():
    name = gdb.selected_inferior().architecture().name()
    if name not in MACHINES:
        raise gdb.GdbError("colibri has no coroutines on %s" % name)
    return MACHINES[name]


# Memory ------------------------------------------------------------------------------------------

def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def number(data, offset, size):
    return int.from_bytes(data[offset:offset + size], "little")


def word(address):
    return number(read(address, 8), 0, 8)


def text(address, most=256):
    """The string at this address; what can be read of it."""
    found = b""
    while address != 0 and len(found) < most and b"\0" not in found:
        try:
            found += read(address + len(found), 16 - (address + len(found)) % 16)
        except gdb.MemoryError:
            break
    return found.split(b"\0")[0].decode(errors="replace")


class Layout:
    """The program's colibri_debugger_layout, field by field as core/inspect/debugger_layout.h."""

    ADDRESSES = ("first_scheduler", "origins")
    OFFSETS = (
        "scheduler_next", "scheduler_thread", "scheduler_coroutines", "scheduler_thread_id",
        "thread_current", "thread_shared_stacks",
        "coroutine_bytes", "coroutine_stack_pointer", "coroutine_state", "coroutine_wait_kind",
        "coroutine_flags", "coroutine_stack_index", "coroutine_private_stack", "coroutine_storage",
        "coroutine_next", "coroutine_extras", "coroutine_resumed", "coroutine_id",
        "extras_checked_stack",
        "shared_stacks_first", "shared_stack_bytes", "shared_stack_memory",
        "origin_bytes", "origin_file", "origin_name", "origin_line",
    )
    FORMAT = "<II%dQ%dI" % (len(ADDRESSES), len(OFFSETS))

    def __init__(self):
        try:
            address = int(gdb.parse_and_eval("(unsigned long)&colibri_debugger_layout"))
        except gdb.error as error:
            raise gdb.GdbError("this program has no colibri_debugger_layout: it is not linked with "
                               "colibri, or was stripped (%s)" % error)
        values = struct.unpack(self.FORMAT, read(address, struct.calcsize(self.FORMAT)))
        if values[0] != VERSION or values[1] < struct.calcsize(self.FORMAT):
            raise gdb.GdbError("the program's colibri is of another version than this script: take "
                               "core/gdb.py from the sources that it was built from")
        for name, value in zip(self.ADDRESSES + self.OFFSETS, values[2:]):
            setattr(self, name, value)


# Coroutines --------------------------------------------------------------------------------------

class Coroutine:
    """One coroutine, as it was when this was made. thread: of gdb; None if it is not known."""

    def __init__(self, layout, block, scheduler):
        data = read(block, layout.coroutine_bytes)
        self.block = block
        self.scheduler = scheduler
        self.stack_pointer = number(data, layout.coroutine_stack_pointer, 8)
        state = data[layout.coroutine_state]
        self.state = STATES[state] if state < len(STATES) else "?"
        self.next = number(data, layout.coroutine_next, 8)
        self.resumed = number(data, layout.coroutine_resumed, 8)
        identity = number(data, layout.coroutine_id, 8)
        self.id = identity & ((1 << 48) - 1)
        self.wait = self._wait(data[layout.coroutine_wait_kind])
        self._find_origin(layout, identity >> 48)
        self.runs = scheduler.current == block
        self.delta = 0  # from a place on the stack to the same one in the copy
        self.stack_top = 0
        if data[layout.coroutine_stack_index] != layout.coroutine_private_stack:
            self._find_copy(layout, data)

    def _wait(self, kind):
        if self.state != "parked" or kind >= len(WAITS) or WAITS[kind] is None:
            return ""
        return WAITS[kind].replace("%d", str(self.resumed & 0xffffffff))

    def _find_origin(self, layout, index):
        entry = read(layout.origins + index * layout.origin_bytes, layout.origin_bytes)
        self.name = text(number(entry, layout.origin_name, 8))
        self.site = "%s:%d" % (text(number(entry, layout.origin_file, 8)),
                               number(entry, layout.origin_line, 4))

    def _find_copy(self, layout, data):
        """On a shared stack whose bytes have been copied out of the way."""
        lies_on_stack = data[layout.coroutine_flags] & 1
        extras = number(data, layout.coroutine_extras, 8)
        checked = extras != 0 and word(extras + layout.extras_checked_stack) != 0
        if self.runs or lies_on_stack or checked or self.stack_pointer == 0:
            return
        stacks = word(self.scheduler.thread_state + layout.thread_shared_stacks)
        stack = (stacks + layout.shared_stacks_first +
                 data[layout.coroutine_stack_index] * layout.shared_stack_bytes)
        self.stack_top = word(stack + layout.shared_stack_memory)
        self.delta = number(data, layout.coroutine_storage, 8) - self.stack_pointer

    def in_copy(self, address):
        """Where the byte lies that belongs at this address when the coroutine runs."""
        inside = self.stack_pointer <= address <= self.stack_top
        return address + self.delta if self.delta != 0 and inside else address

    def registers(self):
        """What its registers will be when it goes on; None for one that has not begun."""
        if self.stack_pointer == 0:
            return None
        kind = machine()
        frame = self.in_copy(self.stack_pointer)
        data = read(frame, kind.frame_bytes)
        found = {name: number(data, offset, 8) for name, offset in kind.saved.items()}
        found[kind.sp] = frame + kind.frame_bytes
        found[kind.fp] = self.in_copy(found[kind.fp])
        return found

    def matches(self, who):
        if who == "all" or who == self.state:
            return True
        return who == str(self.id) or (self.name != "" and fnmatch.fnmatchcase(self.name, who))


class Scheduler:
    """A scheduler, which is the one of its thread."""

    def __init__(self, layout, place):
        self.layout = layout
        self.next = word(place + layout.scheduler_next)
        self.first = word(word(place + layout.scheduler_coroutines))
        self.thread_state = word(place + layout.scheduler_thread)
        self.current = word(self.thread_state + layout.thread_current)
        self.thread_id = number(read(place + layout.scheduler_thread_id, 4), 0, 4)

    def thread(self):
        """gdb's; None when gdb has none with this id."""
        for thread in gdb.selected_inferior().threads():
            if self.thread_id in thread.ptid[1:]:
                return thread
        return None

    def coroutines(self):
        """Each with those that it resumed, and that run or wait in its place, behind it."""
        block = self.first
        while block != 0:
            coroutine = Coroutine(self.layout, block, self)
            if coroutine.id == 0:
                raise gdb.GdbError("this core file lacks the stacks of coroutines: gdb's "
                                   "generate-core-file needs COLIBRI_STACK_GUARD=mprotect")
            block = coroutine.next
            yield coroutine
            while coroutine.state == "resuming":
                coroutine = Coroutine(self.layout, coroutine.resumed, self)
                yield coroutine


def all_coroutines():
    layout = Layout()
    place = word(layout.first_scheduler)
    found = []
    while place != 0:
        scheduler = Scheduler(layout, place)
        found += scheduler.coroutines()
        place = scheduler.next
    return sorted(found, key=lambda coroutine: coroutine.id)


def find(who):
    """The coroutines that one word says."""
    found = [each for each in all_coroutines() if each.matches(who)]
    if not found:
        raise gdb.GdbError("there is no coroutine %s" % who)
    return found


# Frames ------------------------------------------------------------------------------------------

class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class CoroutineUnwinder(Unwinder):
    """Leads from a thread's innermost frame into a coroutine that does not run."""

    def __init__(self):
        super().__init__("colibri")
        self.coroutine = None

    def select(self, coroutine):
        """From now on the frames of its thread are those of the coroutine, but for the first ones."""
        self.deselect()
        thread = coroutine.scheduler.thread()
        if thread is not None and thread != gdb.selected_thread():
            thread.switch()
        if not coroutine.runs:
            registers = coroutine.registers()
            if registers is None:
                raise gdb.GdbError("coroutine %d has not begun" % coroutine.id)
            kind = machine()
            innermost = gdb.newest_frame()
            self.place = tuple(int(innermost.read_register(name)) for name in (kind.pc, kind.sp))
            self.registers = registers
            self.machine = kind
            self.thread = gdb.selected_thread()
            self.ours = set()  # levels of frames whose callers gdb knows from here
            thread_frames.enabled = True
        self.coroutine = coroutine
        gdb.invalidate_cached_frames()

    def deselect(self):
        thread_frames.enabled = False
        if self.coroutine is not None:
            self.coroutine = None
            gdb.invalidate_cached_frames()

    def frames(self):
        """The coroutine's, the innermost first."""
        frame = gdb.newest_frame()
        entered = self.coroutine.runs
        while frame is not None:
            older = frame.older()  # who asks for it has this frame's unwinder chosen
            ours = not self.coroutine.runs and frame.level() in self.ours
            if entered and not ours:
                yield frame
            entered = entered or ours
            frame = older

    def __call__(self, pending):
        if self.coroutine is None or self.coroutine.runs or gdb.selected_thread() != self.thread:
            return None
        pc, sp, fp = (self._value(pending, name)
                      for name in (self.machine.pc, self.machine.sp, self.machine.fp))
        if (pc, sp) == self.place:
            return self._claim(pending, self.registers, self.registers[self.machine.sp], pc)
        # The caller's registers came from the stack, or from its copy: there they are as they will
        # be when the coroutine runs. A frame in between, which is nobody's, puts them right.
        moved = {self.machine.sp: self.coroutine.in_copy(sp) if sp is not None else None,
                 self.machine.fp: self.coroutine.in_copy(fp) if fp is not None else None}
        if (moved[self.machine.sp], moved[self.machine.fp]) == (sp, fp):
            return None
        kept = {name: self._value(pending, name) for name in self.machine.kept}
        return self._claim(pending, {**kept, **moved, self.machine.pc: pc},
                           moved[self.machine.sp], pc)

    def _claim(self, pending, registers, sp, pc):
        def typed(name, value):
            return gdb.Value(value).cast(pending.read_register(name).type)

        frame = FrameId(typed(self.machine.sp, sp), typed(self.machine.pc, pc))
        info = pending.create_unwind_info(frame)
        for name, value in registers.items():
            if value is not None:
                info.add_saved_register(name, typed(name, value))
        self.ours.add(pending.level())
        return info

    @staticmethod
    def _value(pending, name):
        try:
            return int(pending.read_register(name)) & ((1 << 64) - 1)
        except gdb.error:
            return None  # the frame below did not keep it


class ThreadFrames:
    """A frame filter: from backtraces of a selected coroutine it takes the frames of the thread that
    lead there, and those that only move registers."""

    def __init__(self):
        self.name = "colibri"
        self.priority = 100
        self.enabled = False
        gdb.frame_filters[self.name] = self

    def filter(self, decorators):
        entered = gdb.selected_thread() != unwinder.thread
        for decorator in decorators:
            frame = decorator.inferior_frame()
            frame.older()  # has its unwinder chosen
            ours = frame.level() in unwinder.ours
            if entered and not ours:
                yield decorator
            entered = entered or ours


thread_frames = ThreadFrames()
unwinder = CoroutineUnwinder()
gdb.unwinder.register_unwinder(None, unwinder, replace=True)
gdb.events.cont.connect(lambda event: unwinder.deselect())
gdb.events.exited.connect(lambda event: unwinder.deselect())


# Commands ----------------------------------------------------------------------------------------

def header(coroutine):
    thread = coroutine.scheduler.thread()
    words = ["Coroutine %d" % coroutine.id]
    if coroutine.name:
        words.append('"%s"' % coroutine.name)
    words.append("(thread %s, %s%s)" % (thread.num if thread else "?", coroutine.state,
                                        ": " + coroutine.wait if coroutine.wait else ""))
    return " ".join(words + ["spawned at", coroutine.site])


def renumbered(output, index):
    return re.sub(r"^#\d+ *", "#%-3d" % index, output)


def print_backtrace(options):
    """As backtrace, with the coroutine's frames alone, numbered from 0."""
    count = re.search(r"(^|\s)(\d+)$", options)
    if count:
        options = options[:count.start()]
    # First all frames, so that it is known which are whose.
    index = {frame.level(): i for i, frame in enumerate(unwinder.frames())
             if not count or i < int(count[2])}
    output = gdb.execute("backtrace -no-filters " + options, to_string=True)
    for part in re.split(r"^(?=#\d)", output, flags=re.MULTILINE):
        level = re.match(r"#(\d+)", part)
        if level and int(level[1]) in index:
            gdb.write(renumbered(part, index[int(level[1])]))


def select_frame(which):
    """By number or by its function's name; returns the number."""
    for i, frame in enumerate(unwinder.frames()):
        if which in (str(i), frame.name()):
            frame.select()
            return i
    raise gdb.GdbError("the coroutine has no frame %s" % which)


def print_frame(index):
    gdb.write(renumbered(gdb.execute("frame", to_string=True), index))


def print_locals():
    """Those of each frame that has any."""
    for i, frame in enumerate(list(unwinder.frames())):
        frame.select()
        output = gdb.execute("info locals", to_string=True)
        if not output.startswith("No "):
            gdb.write(renumbered(gdb.execute("with print frame-info location -- frame",
                                             to_string=True), i))
            gdb.write(re.sub("^", "    ", output.rstrip(), flags=re.MULTILINE) + "\n")


def run_command(coroutine, command):
    """Runs one command in the coroutine's innermost frame. True: it stays selected."""
    unwinder.select(coroutine)
    verb, _, rest = command.partition(" ")
    if verb in ("bt", "backtrace", "where"):
        print_backtrace(rest)
    elif verb in ("", "f", "frame"):
        print_frame(select_frame(rest or "0"))
        return True
    elif command == "locals":
        print_locals()
    else:
        select_frame("0")
        gdb.execute(command)
    return False


class Kept:
    """Returns to the thread, frame and coroutine that were selected, unless told to stay."""

    def __enter__(self):
        self.stay = False
        self.coroutine = unwinder.coroutine
        self.thread = gdb.selected_thread()
        if self.thread is None:
            raise gdb.GdbError("there is no process and no core file")
        self.level = gdb.selected_frame().level()
        return self

    def __exit__(self, kind, error, where):
        if self.stay and kind is None:
            return
        unwinder.deselect()
        self.thread.switch()
        if self.coroutine is not None:
            unwinder.select(self.coroutine)
        frame = gdb.newest_frame()
        while frame is not None and frame.level() != self.level:
            frame = frame.older()
        if frame is not None:
            frame.select()


class InfoCoroutines(gdb.Command):
    """Lists colibri's coroutines: info coroutines [WHO...]

WHO is an id, a state (created, ready, running, resuming, suspended, parked), or a pattern for
names, such as "session*"; several: those that match any. A star marks the one that is selected,
by "coroutine ID" or since its thread is and it runs there."""

    def __init__(self):
        super().__init__("info coroutines", gdb.COMMAND_STATUS)

    def invoke(self, argument, from_tty):
        wanted = gdb.string_to_argv(argument) or ["all"]
        rows = [("", "Id", "Thread", "State", "Waits for", "Name", "Spawned at")]
        threads = {}
        for each in all_coroutines():
            if any(each.matches(who) for who in wanted):
                scheduler = each.scheduler
                if scheduler not in threads:
                    threads[scheduler] = scheduler.thread()
                thread = threads[scheduler]
                rows.append(("*" if self._is_selected(each, thread) else "", str(each.id),
                             str(thread.num) if thread else "?", each.state, each.wait, each.name,
                             each.site))
        if len(rows) == 1:
            gdb.write("No coroutines.\n")
            return
        widths = [max(map(len, column)) for column in zip(*rows)]
        for row in rows:
            line = " ".join(cell.ljust(width) for cell, width in zip(row, widths))
            gdb.write(line.rstrip() + "\n")

    @staticmethod
    def _is_selected(coroutine, thread):
        if unwinder.coroutine is not None:
            return unwinder.coroutine.block == coroutine.block
        return coroutine.runs and thread is not None and thread == gdb.selected_thread()


class CoroutineCommand(gdb.Command):
    """Selects a coroutine of colibri, or runs a command in one.

coroutine                 says which one is selected
coroutine ID              selects it and its innermost frame: print, info locals, up and down are
                          about it then, until the process goes on
coroutine ID frame WHICH  the same with another frame, by its number or its function's name
coroutine ID bt [OPTIONS] its backtrace
coroutine ID locals       the variables of all its frames
coroutine ID COMMAND      any other command, in its innermost frame
coroutine 0               back to the thread"""

    def __init__(self):
        super().__init__("coroutine", gdb.COMMAND_STACK, gdb.COMPLETE_NONE, True)

    def invoke(self, argument, from_tty):
        who, _, command = argument.strip().partition(" ")
        if who == "":
            selected = unwinder.coroutine
            gdb.write(header(selected) + "\n" if selected else "No coroutine is selected.\n")
        elif who == "0":
            unwinder.deselect()
        else:
            with Kept() as kept:
                found = find(who)
                if len(found) > 1:
                    raise gdb.GdbError("%d coroutines are called %s; coroutine apply takes several"
                                       % (len(found), who))
                gdb.write(header(found[0]) + "\n")
                kept.stay = run_command(found[0], command.strip())


class CoroutineApply(gdb.Command):
    """Runs a command in several of colibri's coroutines: coroutine apply WHO COMMAND

WHO as in "info coroutines"; COMMAND as in "coroutine ID COMMAND"."""

    def __init__(self):
        super().__init__("coroutine apply", gdb.COMMAND_STACK)

    def invoke(self, argument, from_tty):
        who, _, command = argument.strip().partition(" ")
        if command == "":
            raise gdb.GdbError("coroutine apply WHO COMMAND")
        with Kept():
            for each in find(who):
                gdb.write("\n%s\n" % header(each))
                try:
                    run_command(each, command.strip())
                except (gdb.error, gdb.GdbError) as error:
                    gdb.write("%s\n" % error)


InfoCoroutines()
CoroutineCommand()
CoroutineApply()
