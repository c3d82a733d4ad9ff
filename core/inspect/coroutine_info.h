// What a coroutine knows of itself, in words, for people who look inside a running program.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "colibri/core/backtrace.h"
#include "colibri/core/control_block.h"
#include "colibri/core/inspect/run_times.h"

namespace colibri {

/// A copy, valid for ever, of what one coroutine was like when it was looked at.
struct CoroutineInfo {
  std::uint64_t id = 0;  // unique in the process
  std::string name;      // by set_name, or of its SpawnOptions; may be empty
  SpawnSite site;
  std::uint64_t parent = 0;  // who spawned it; 0: that was not noted, or no coroutine
  CoroutineState state = CoroutineState::kCreated;  // of the innermost that it resumed by hand
  /// What it waits for: "readable fd 7 127.0.0.1:7777←127.0.0.1:51234", "mutex held by #12
  /// 'writer'", "channel 'jobs' send, full 16/16", "sleep until +1.2 s"; "resume by hand" where no
  /// scheduler runs it; empty for those that run or are ready.
  std::string wait;
  /// How long it has been waiting; nothing unless it is parked and that is known.
  std::optional<std::chrono::nanoseconds> since;
  /// How long it has run, and in how many slices, up to its last switch; nothing unless that is
  /// measured: see note_run_times.
  std::optional<RunTime> ran;
  std::size_t stack_bytes_used = 0;  // from where it stands to the top; 0 for one that runs
  unsigned scheduler = 0;            // the number of its scheduler in the process; 0: it has none
  Backtrace stack;                   // innermost first; empty unless asked for
};

enum class WithStack : bool { kNo, kYes };

/// What `coroutine` is like now. If it has resumed others by hand, the wait is that of the
/// innermost of them, and its stack comes first. On the coroutine's own thread. Throws
/// std::bad_alloc.
CoroutineInfo inspect(const ControlBlock& coroutine, WithStack with_stack = WithStack::kNo);

/// "ready", "parked" and so on.
const char* to_string(CoroutineState state) noexcept;

/// A line: "#12 'writer' server.cc:41 parked 3.1 s: readable fd 7 …".
std::string to_string(const CoroutineInfo& info);

}  // namespace colibri
