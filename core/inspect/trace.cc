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
#include "colibri/core/scheduler_watch.h"

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

bool has_begun(const ControlBlock& coroutine) noexcept {
  return coroutine.direct || (coroutine.on_shared_stack() && coroutine.stack_pointer != nullptr);
}

void add_woken(TraceRing& ring, const ControlBlock& woken, std::uint64_t ticks) noexcept {
  // In check mode, nobody is known to have begun.
  const bool is_new = woken.id > ring.last_new && !has_begun(woken);
  if (is_new) ring.last_new = woken.id;
  ring.add(ticks, is_new ? TraceKind::kSpawned : TraceKind::kWoken, woken);
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

/// Of one thread whose scheduler is recorded.
class Recorder final : public SchedulerWatch {
 public:
  void leaves(const ControlBlock& coroutine) noexcept override {
    note(coroutine, TraceKind::kLeft);
  }
  void ends(const ControlBlock& coroutine) noexcept override { note(coroutine, TraceKind::kEnded); }
  void leaves_loop() noexcept override {
    const std::uint64_t ticks = processor_ticks();
    look_through_queue(*own_ring, thread_state.own_flow, false, ticks);
    own_ring->add(ticks, TraceKind::kLeft);
  }
  void retire() noexcept override { is_recording = false; }

  bool is_recording = false;

 private:
  static void note(const ControlBlock& coroutine, TraceKind kind) noexcept {
    const std::uint64_t ticks = processor_ticks();
    look_through_queue(*own_ring, coroutine, kind == TraceKind::kEnded, ticks);
    own_ring->add(ticks, kind, coroutine);
  }
};

constinit thread_local Recorder own_recorder;

/// On a scheduler's thread: makes it do what is wanted now.
void follow_wish() noexcept {
  const bool wanted = recording.load(std::memory_order_acquire);
  if (wanted == own_recorder.is_recording) return;
  if (!wanted) {
    own_recorder.is_recording = false;
    return thread_state.remove_watch(own_recorder);
  }
  TraceRing* ring = ring_of_thread();
  if (ring == nullptr) return;
  const RunQueue& queue = *thread_state.run_queue;
  ring->queue_end = queue.position() + queue.size();
  ring->last_new = thread_state.last_id;
  ring->add(processor_ticks(), TraceKind::kBegan);
  own_recorder.is_recording = true;
  thread_state.add_watch(own_recorder);
}

constinit SchedulerObserver observer{.begun = &follow_wish};

}  // namespace

void start_trace(std::size_t events) noexcept {
  events_a_thread.store(std::bit_ceil(std::max(events, std::size_t{2})));
  start_trace_clock();
  recording.store(true, std::memory_order_release);
  observe_schedulers(observer);
  call_on_each_scheduler(&follow_wish);
}

void stop_trace() noexcept {
  recording.store(false, std::memory_order_release);
  call_on_each_scheduler(&follow_wish);
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
