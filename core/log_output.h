// Standard error as the log writes to it: nobody waits for whoever reads it.
//
// A message is written at once while descriptor 2 takes it, by whoever logs: then nothing that was
// logged is lost, however the process ends, and no thread is needed. Where a pipe's reader does not
// keep up, or a terminal is stopped, the rest goes into a queue of 64 KiB, and a thread that is
// started then writes it out: from there on the process is multi-threaded. What does not fit into
// the queue is dropped and counted, and how much that was is said once the queue is empty again.
//
// What may still wait: a descriptor 2 that another process fills between our look and our write,
// and a file whose device is slow.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace colibri {

/// Since the process began.
struct LogCounters {
  std::uint64_t messages = 0;  // given to the log, those that were dropped included
  std::uint64_t queued = 0;    // not written at once, or not whole
  std::uint64_t dropped = 0;
};

/// Writes one message, with its line end. Any thread, any coroutine; neither parks nor waits.
/// Leaves errno alone.
void write_log(std::string_view message) noexcept;

/// Waits, for so long at most, until the queue is written out; true if it is. It blocks the thread.
/// Called at exit, and before the last words of a failed check or a crash. Any thread; signal
/// handlers.
bool flush_log(std::chrono::nanoseconds patience) noexcept;

/// Any thread; takes no lock.
LogCounters log_counters() noexcept;

}  // namespace colibri
