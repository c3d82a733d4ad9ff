// How much stack coroutines really use, by the place where they are spawned: what to ask for.
//
// Each coroutine's stack is looked at when it ends: the lowest page that it touched, and in it the
// lowest byte that is not zero. What lies below is given back then, so that the next one on that
// stack begins with zeros. That costs some system calls a coroutine; so it is done in debug builds,
// and elsewhere where somebody asks for it. Otherwise it costs nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "colibri/core/control_block.h"

namespace colibri {

/// What the coroutines of one place have used.
struct StackUsage {
  SpawnSite site;                // where they were spawned
  const char* name = "";         // of the first of them
  std::size_t stack_bytes = 0;   // size of their stacks
  std::uint64_t coroutines = 0;  // that have ended
  std::size_t peak_bytes = 0;    // the most that one of them used, control block included
  /// The size that would do: a quarter more than the peak, and room for a signal's frame.
  std::size_t enough_bytes = 0;
};

/// Measures from now on, or no longer; every thread. To be called before the coroutines begin that
/// shall be measured: on stacks that were in use already, what was used before counts, too, but
/// for the calling thread's free ones. In debug builds, and with COLIBRI_STACK_USAGE=1 in the
/// environment, it is on from the start.
void measure_stack_usage(bool on) noexcept;

/// A record a spawn site and size, the largest peak first. Any thread. Throws std::bad_alloc.
std::vector<StackUsage> stack_usage();

/// The same as a table for people.
std::string to_string(const std::vector<StackUsage>& usage);

/// Writes the table to standard error. Any thread. With COLIBRI_STACK_USAGE=1, run does so at its
/// end.
void print_stack_usage() noexcept;

/// For core: whether to call note_stack_usage.
extern constinit std::atomic<bool> stack_usage_is_measured;

/// For core: `self`, the running coroutine, is about to end.
void note_stack_usage(const ControlBlock& self) noexcept;

/// For core: whether run prints the table at its end.
bool prints_stack_usage_at_end() noexcept;

}  // namespace colibri
