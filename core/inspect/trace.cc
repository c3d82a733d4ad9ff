#include "colibri/core/inspect/trace.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <new>
#include <string_view>
#include <system_error>
#include <utility>

#include "colibri/core/inspect/trace_json.h"
#include "colibri/core/inspect/trace_ring.h"
#include "colibri/core/libc.h"
#include "colibri/core/log.h"
#include "colibri/core/scheduler.h"
#include "colibri/core/scheduler_list.h"

namespace colibri {
namespace {

constinit std::atomic<std::size_t> events_a_thread{kDefaultTraceEvents};
constinit std::atomic<bool> recording{false};

/// All rings there ever were: what a thread has recorded stays to be read when it has ended.
constinit std::atomic<TraceRing*> rings{nullptr};
constinit thread_local TraceRing* own_ring = nullptr;

TraceRing* ring_of_thread() noexcept {
  if (own_ring != nullptr) return own_ring;
  try {
    own_ring = new TraceRing(events_a_thread.load(std::memory_order_relaxed), gettid());
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
  own_ring->next = rings.load(std::memory_order_relaxed);
  while (!rings.compare_exchange_weak(own_ring->next, own_ring, std::memory_order_release)) {
  }
  return own_ring;
}

// Recording ---------------------------------------------------------------------------------------

TraceEvent event_of(const ControlBlock& coroutine, std::uint64_t ticks, TraceKind kind) noexcept {
  TraceEvent event;
  event.ticks = ticks;
  event.id = coroutine.id;
  event.origin = coroutine.origin;
  event.kind = kind;
  event.state = coroutine.state;
  event.wait_kind = coroutine.wait_kind;
  event.wake_reason = coroutine.wake_reason;
  if (coroutine.wait_kind == WaitKind::kReadable || coroutine.wait_kind == WaitKind::kWritable) {
    event.descriptor = coroutine.wait_note.descriptor;
  }
  return event;
}

bool has_begun(const ControlBlock& coroutine) noexcept {
  return coroutine.direct || (coroutine.on_shared_stack() && coroutine.stack_pointer != nullptr);
}

void add_woken(TraceRing& ring, const ControlBlock& woken, std::uint64_t ticks) noexcept {
  // In check mode, nobody is known to have begun.
  const bool is_new = woken.id > ring.last_new && !has_begun(woken);
  if (is_new) ring.last_new = woken.id;
  ring.add(event_of(woken, ticks, is_new ? TraceKind::kSpawned : TraceKind::kWoken));
}

/// Whether `from` gave way to the first of the queue, and not to one that it resumed or was resumed
/// by.
bool leaves_to_queue(const Flow& from) noexcept {
  if (&from == &thread_state.own_flow) return true;
  const CoroutineState state = static_cast<const ControlBlock&>(from).state;
  return state != CoroutineState::kResuming && state != CoroutineState::kSuspended;
}

/// Who has come into the run queue since the last look: whoever ran until now has put them there.
/// So wakes are seen without a word in unpark.
void look_through_queue(TraceRing& ring, const Flow& from, bool ended,
                        std::uint64_t ticks) noexcept {
  const RunQueue& queue = *thread_state.run_queue;
  const std::size_t first = queue.position();
  const std::size_t end = first + queue.size();
  // Who goes on now is no longer in there.
  const ControlBlock* next = thread_state.current;
  if (!ended && next != nullptr && ring.queue_end < first && leaves_to_queue(from)) {
    add_woken(ring, *next, ticks);
  }
  for (std::size_t i = std::max(ring.queue_end, first); i < end; ++i) {
    const ControlBlock& woken = queue.at(i);
    if (&woken != &from) add_woken(ring, woken, ticks);  // otherwise it yields
  }
  ring.queue_end = end;
}

/// What a thread that is recorded calls when `from` is left; see ThreadState::observer.
void note_switch(Flow& from, bool ended) noexcept {
  TraceRing& ring = *own_ring;
  const std::uint64_t ticks = processor_ticks();
  look_through_queue(ring, from, ended, ticks);
  if (&from == &thread_state.own_flow) {
    ring.add({.ticks = ticks, .kind = TraceKind::kLeft});
  } else {
    const TraceKind kind = ended ? TraceKind::kEnded : TraceKind::kLeft;
    ring.add(event_of(static_cast<ControlBlock&>(from), ticks, kind));
  }
}

/// On a scheduler's thread: makes it do what is wanted now.
void follow_wish() noexcept {
  if (!recording.load(std::memory_order_acquire)) return thread_state.observe(nullptr);
  if (thread_state.observer != nullptr) return;
  TraceRing* ring = ring_of_thread();
  if (ring == nullptr) return;
  const RunQueue& queue = *thread_state.run_queue;
  ring->queue_end = queue.position() + queue.size();
  ring->last_new = thread_state.last_id;
  ring->add({.ticks = processor_ticks()});
  thread_state.observe(&note_switch);
}

struct WishMessage : InboxMessage {
  void deliver() noexcept override { follow_wish(); }
};

void tell_all_schedulers() noexcept {
  scheduler_list.entered.store(&follow_wish, std::memory_order_release);
  if (thread_state.scheduler != nullptr) follow_wish();
  const SmallLockGuard guard(scheduler_list.lock);
  for (SchedulerPlace* each = scheduler_list.first; each != nullptr; each = each->next) {
    if (each->thread == &thread_state) continue;
    auto* message = new (std::nothrow) WishMessage;
    if (message != nullptr) each->thread->scheduler->mailbox()->post(message);
  }
}

}  // namespace

void start_trace(std::size_t events) noexcept {
  events_a_thread.store(std::bit_ceil(std::max(events, std::size_t{2})));
  start_trace_clock();
  recording.store(true, std::memory_order_release);
  tell_all_schedulers();
}

void stop_trace() noexcept {
  recording.store(false, std::memory_order_release);
  tell_all_schedulers();
}

// Writing -----------------------------------------------------------------------------------------

std::string trace_as_json() {
  TraceWriter writer;
  for (const TraceRing* ring = rings.load(std::memory_order_acquire); ring != nullptr;
       ring = ring->next) {
    writer.add_thread(ring->thread_id(), ring->events());
  }
  return std::move(writer).finish();
}

void write_trace(const char* path) {
  const std::string text = trace_as_json();
  const auto fail = [path] {
    throw std::system_error(errno, std::generic_category(),
                            "cannot write the trace to " + std::string(path));
  };
  const int file = real::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) fail();
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t written = real::write(file, rest.data(), rest.size());
    if (written < 0 && errno != EINTR) {
      const int error = errno;
      real::close(file);
      errno = error;
      fail();
    }
    if (written > 0) rest.remove_prefix(static_cast<std::size_t>(written));
  }
  real::close(file);
}

namespace {

constinit const char* path_at_end = nullptr;
constinit pid_t owner = 0;

void write_at_end() {
  // A child of a fork must not write over what its parent writes.
  if (getpid() != owner) return;
  try {
    write_trace(path_at_end);
  } catch (const std::exception& error) {
    log(LogLevel::kError, error.what());
  }
}

[[maybe_unused]] const bool asked_for = [] {
  path_at_end = std::getenv("COLIBRI_TRACE");
  if (path_at_end == nullptr || *path_at_end == '\0') return false;
  owner = getpid();
  std::atexit(&write_at_end);
  start_trace();
  return true;
}();

}  // namespace
}  // namespace colibri
