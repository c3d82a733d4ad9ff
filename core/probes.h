// Points that tracers can be attached to from outside: perf, bpftrace, SystemTap, gdb. Nobody who
// does not trace pays more than a nop: the arguments lie in registers and in memory where they are
// anyway, and a note in the program says where. docs/debugging.md has the list, and examples.
//
// The notes are those that these tools know as "stapsdt" probes, version 3; sys/sdt.h of
// systemtap-sdt-dev would write them, too. They are written here, so that what is built does not
// depend on a header that may be there or not, and so that no argument is loaded for nothing.
#pragma once

#include <cstdint>

#include "colibri/core/control_block.h"

// A macro, since assembly takes only literals. `arguments`: each SIZE@PLACE, in bytes, negative for
// a signed number. The note: three sizes; who made it; the place, the section by which tools see
// that the program was moved after linking, and no semaphore; provider, name, arguments.
//
// A linker that throws out functions nobody calls (--gc-sections) must not throw out those that a
// note points to: gold calls that an error, and asks no note before. What begins with the name of
// the first section it never throws out, nor what that points to, the base of all notes among it.
#define COLIBRI_PROBE(name, arguments)                                        \
  "990: nop\n"                                                                \
  ".pushsection .gcc_except_table.colibri_probes, \"a?\", \"progbits\"\n"     \
  ".4byte 990b - ., _.stapsdt.base - .\n"                                     \
  ".popsection\n"                                                             \
  ".pushsection .note.stapsdt, \"?\", \"note\"\n"                             \
  ".balign 4\n"                                                               \
  ".4byte 992f - 991f, 994f - 993f, 3\n"                                      \
  "991: .asciz \"stapsdt\"\n"                                                 \
  "992: .balign 4\n"                                                          \
  "993: .8byte 990b, _.stapsdt.base, 0\n"                                     \
  ".asciz \"colibri\"\n"                                                      \
  ".asciz \"" name                                                            \
  "\"\n"                                                                      \
  ".asciz \"" arguments                                                       \
  "\"\n"                                                                      \
  "994: .balign 4\n"                                                          \
  ".popsection\n"                                                             \
  ".ifndef _.stapsdt.base\n"                                                  \
  ".pushsection .stapsdt.base, \"aG\", \"progbits\", .stapsdt.base, comdat\n" \
  ".weak _.stapsdt.base\n"                                                    \
  ".hidden _.stapsdt.base\n"                                                  \
  "_.stapsdt.base: .space 1\n"                                                \
  ".size _.stapsdt.base, 1\n"                                                 \
  ".popsection\n"                                                             \
  ".endif\n"

namespace colibri::probe {

/// Id, and in the upper 16 bits the origin: one word of the control block, its last.
inline const std::uint64_t& label_of(const ControlBlock& coroutine) noexcept {
  return reinterpret_cast<const std::uint64_t*>(&coroutine + 1)[-1];
}

/// spawn(block, label): made ready for the first time.
[[gnu::always_inline]] inline void spawn(const ControlBlock& coroutine) noexcept {
  asm volatile(COLIBRI_PROBE("spawn", "8@%[block] 8@%[label]")
               :
               : [block] "r"(&coroutine), [label] "m"(label_of(coroutine)));
}

/// end(block, label): its function has returned or thrown.
[[gnu::always_inline]] inline void end(const ControlBlock& coroutine) noexcept {
  asm volatile(COLIBRI_PROBE("end", "8@%[block] 8@%[label]")
               :
               : [block] "r"(&coroutine), [label] "m"(label_of(coroutine)));
}

/// switch(block, label): goes on, or begins.
[[gnu::always_inline]] inline void switch_to(const ControlBlock& coroutine) noexcept {
  asm volatile(COLIBRI_PROBE("switch", "8@%[block] 8@%[label]")
               :
               : [block] "r"(&coroutine), [label] "m"(label_of(coroutine)));
}

/// switch(0, 0): the scheduler's loop goes on.
[[gnu::always_inline]] inline void switch_to_loop() noexcept {
  asm volatile(COLIBRI_PROBE("switch", "8@%[none] 8@%[none]") : : [none] "r"(std::uint64_t{0}));
}

/// park(block, label, reason, descriptor): a WaitKind, and what it waits for if that is a
/// descriptor; in poll, of how many.
[[gnu::always_inline]] inline void park(const ControlBlock& coroutine) noexcept {
  asm volatile(COLIBRI_PROBE("park", "8@%[block] 8@%[label] 1@%[kind] -4@%[descriptor]")
               :
               : [block] "r"(&coroutine), [label] "m"(label_of(coroutine)),
                 [kind] "m"(coroutine.wait_kind), [descriptor] "m"(coroutine.wait_note.descriptor));
}

/// wake(block, label, reason): ready again; a WakeReason.
[[gnu::always_inline]] inline void wake(const ControlBlock& coroutine) noexcept {
  asm volatile(COLIBRI_PROBE("wake", "8@%[block] 8@%[label] 1@%[reason]")
               :
               : [block] "r"(&coroutine), [label] "m"(label_of(coroutine)),
                 [reason] "m"(coroutine.wake_reason));
}

/// stall(id, thread, nanoseconds): the watchdog saw a slice that is too long. On its own thread.
[[gnu::always_inline]] inline void stall(std::uint64_t id, std::int32_t thread,
                                         std::int64_t nanoseconds) noexcept {
  asm volatile(COLIBRI_PROBE("stall", "8@%[id] -4@%[thread] -8@%[nanoseconds]")
               :
               : [id] "r"(id), [thread] "r"(thread), [nanoseconds] "r"(nanoseconds));
}

}  // namespace colibri::probe

#undef COLIBRI_PROBE
