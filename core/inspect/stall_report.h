// A slice that was too long, in words.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "colibri/core/backtrace.h"
#include "colibri/core/inspect/kernel_state.h"
#include "colibri/core/inspect/stall_sample.h"

namespace colibri {

/// What was found out about it; times in nanoseconds.
struct Stall {
  std::int64_t limit = 0;
  std::int64_t computed = 0;         // so far
  std::int64_t blocked = 0;          // in system calls
  std::optional<SystemCall> call{};  // in which it sits; none: it computes
  std::uintptr_t lock = 0;           // for which it waits; 0: for none
  pid_t lock_owner = 0;              // the thread that holds it; 0: not known
};

/// The same for stalls of the same kind in the same functions. Throws std::bad_alloc.
std::uint64_t site_key(const Stall& stall, const StackCopy& culprit);

/// "computing: parse in server", "read: load_config in libconfig.so": the innermost function that
/// is not of libc. Throws std::bad_alloc.
std::string site_name(const Stall& stall, const Backtrace& culprit);

/// The whole report, with the stacks of the culprit and of those who hold the lock that it waits
/// for. Throws std::bad_alloc.
std::string report_text(const Stall& stall, const StallSample& sample, const Backtrace& culprit);

}  // namespace colibri
