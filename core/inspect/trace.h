// What the schedulers of a process did, moment by moment, as a picture: who ran when, why it
// stopped, and who woke whom. Written in Chrome's trace format, which Perfetto (ui.perfetto.dev)
// and chrome://tracing draw.
//
// COLIBRI_TRACE=FILE in the environment records from the program's start, and writes FILE at its
// end. Off, it costs a branch at each coroutine's end, and switches nothing.
#pragma once

#include <cstddef>
#include <string>

namespace colibri {

/// What each scheduler keeps, the last so many events of 16 bytes. A wait for a descriptor takes
/// two.
inline constexpr std::size_t kDefaultTraceEvents = std::size_t{1} << 18;

/// From now on the schedulers of all threads record, those to come included; each begins when its
/// loop next looks at messages, the calling thread's at once. What was recorded before is kept.
/// `events` is rounded up to a power of two, and counts for threads that have not recorded before.
/// Any thread. Threads that find no memory record nothing.
void start_trace(std::size_t events = kDefaultTraceEvents) noexcept;

/// The end of that, in the same way.
void stop_trace() noexcept;

/// What has been recorded. Any thread; schedulers may go on recording meanwhile: what they
/// overwrite is left out. Throws std::bad_alloc.
std::string trace_as_json();

/// Writes it to a file. Throws std::system_error, and std::bad_alloc.
void write_trace(const char* path);

}  // namespace colibri
