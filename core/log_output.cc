#include "colibri/core/log_output.h"

#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "colibri/core/clock.h"
#include "colibri/core/last_words.h"
#include "colibri/core/libc.h"
#include "colibri/core/signal_text.h"
#include "colibri/core/small_lock.h"

namespace colibri {
namespace {

constexpr int kStandardError = 2;
constexpr std::size_t kQueueBytes = 64 * 1024;
// A pipe of which poll says that it can be written takes so many bytes without waiting.
constexpr std::size_t kPieceBytes = PIPE_BUF;
constexpr std::chrono::seconds kLastPatience{1};

/// One for the process. All but the atomics is guarded by the lock.
struct Output {
  SmallLock lock;
  char queue[kQueueBytes] = {};
  std::size_t first = 0;
  std::size_t used = 0;
  bool has_writer = false;
  /// Bytes queued or in the writer's hands: a futex for those who wait for more, or for none.
  std::atomic<std::uint32_t> pending{0};
  std::atomic<std::uint64_t> unsaid{0};  // dropped since the last sentence about that
  std::atomic<std::uint64_t> messages{0};
  std::atomic<std::uint64_t> queued{0};
  std::atomic<std::uint64_t> dropped{0};
};
constinit Output output;

/// False when `timeout` (null: for ever) is over first.
void wait_while_pending_is(std::uint32_t value, const timespec* timeout) noexcept {
  real::syscall(SYS_futex, &output.pending, FUTEX_WAIT_PRIVATE, value, timeout, nullptr, 0);
}

void wake_all_who_wait() noexcept {
  real::syscall(SYS_futex, &output.pending, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

/// True where a write of a piece would not wait; also where it would fail.
bool takes_more(int timeout) noexcept {
  pollfd query{kStandardError, POLLOUT, 0};
  return real::poll(&query, 1, timeout) != 0;
}

// Writing ----------------------------------------------------------------------------------------

/// The bytes that need no more care: written, or lost since nobody can read them.
std::size_t write_what_fits(std::string_view text) noexcept {
  std::size_t done = 0;
  while (done < text.size() && takes_more(0)) {
    const std::size_t size = std::min(text.size() - done, kPieceBytes);
    const ssize_t written = real::write(kStandardError, text.data() + done, size);
    if (written > 0) {
      done += static_cast<std::size_t>(written);
    } else if (written < 0 && errno == EAGAIN) {
      break;  // the program made it non-blocking, and it is full after all
    } else if (written == 0 || errno != EINTR) {
      return text.size();
    }
  }
  return done;
}

/// The writer's: waits for whoever reads.
void write_whole(std::string_view text) noexcept {
  while (!text.empty()) {
    text.remove_prefix(write_what_fits(text));
    if (!text.empty()) takes_more(-1);
  }
}

// The queue --------------------------------------------------------------------------------------

void append(std::string_view text) noexcept {
  for (const char each : text) output.queue[(output.first + output.used++) % kQueueBytes] = each;
}

/// A piece of the queue that ends with a line where it can: other processes may write between two
/// pieces.
std::size_t take(char* piece) noexcept {
  const SmallLockGuard guard(output.lock);
  std::size_t size = std::min(output.used, kPieceBytes);
  for (std::size_t i = 0; i < size; ++i) piece[i] = output.queue[(output.first + i) % kQueueBytes];
  const std::size_t line_end = std::string_view(piece, size).rfind('\n');
  if (line_end != std::string_view::npos) size = line_end + 1;
  output.first = (output.first + size) % kQueueBytes;
  output.used -= size;
  return size;
}

void say_what_was_dropped() noexcept {
  const std::uint64_t count = output.unsaid.exchange(0);
  if (count == 0) return;
  SignalText text;
  text.add("[colibri] [warning] messages of the log were dropped, since nobody read standard ");
  text.add("error: ").add_number(count).add("\n");
  write_whole(text.view());
}

/// The writer thread. It never ends.
void* write_queue(void* /*unused*/) noexcept {
  char piece[kPieceBytes];
  for (;;) {
    wait_while_pending_is(0, nullptr);
    const std::size_t size = take(piece);
    if (size == 0) continue;
    write_whole({piece, size});
    // Before those who wait for the end are told of it.
    if (output.pending.load() == size) say_what_was_dropped();
    if (output.pending.fetch_sub(static_cast<std::uint32_t>(size)) == size) wake_all_who_wait();
  }
}

void flush_patiently() noexcept {
  flush_log(kLastPatience);
}

/// False when no thread can be had: then what is not written at once is dropped.
bool start_writer() noexcept {
  if (output.has_writer) return true;
  // Signals are for the program's own threads.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  real::pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  output.has_writer = pthread_create(&thread, nullptr, &write_queue, nullptr) == 0;
  real::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (!output.has_writer) return false;
  pthread_detach(thread);
  before_last_words.store(&flush_patiently, std::memory_order_release);
  static const int registered = std::atexit(&flush_patiently);
  return registered == 0;
}

void drop() noexcept {
  output.dropped.fetch_add(1, std::memory_order_relaxed);
  output.unsaid.fetch_add(1, std::memory_order_relaxed);
}

/// `rest` of a message, of which a part may have been written.
void queue(std::string_view rest, bool is_whole) noexcept {
  const std::size_t room = kQueueBytes - output.used;
  // Half a line is worse than none; but the end of one that has begun belongs there.
  if ((is_whole && rest.size() > room) || !start_writer()) return drop();
  rest = rest.substr(0, room);
  append(rest);
  output.queued.fetch_add(1, std::memory_order_relaxed);
  const auto size = static_cast<std::uint32_t>(rest.size());
  if (output.pending.fetch_add(size) == 0) wake_all_who_wait();
}

// fork -------------------------------------------------------------------------------------------

// The writer stays with the parent, and so does what it has yet to write.
void restart_in_child() noexcept {
  output.first = output.used = 0;
  output.has_writer = false;
  output.pending.store(0);
  output.lock.unlock();
}

void watch_forks() noexcept {
  [[maybe_unused]] static const int registered =
      pthread_atfork([] { output.lock.lock(); }, [] { output.lock.unlock(); }, &restart_in_child);
}

}  // namespace

void write_log(std::string_view message) noexcept {
  const int saved_errno = errno;
  watch_forks();
  {
    const SmallLockGuard guard(output.lock);
    output.messages.fetch_add(1, std::memory_order_relaxed);
    // What is queued already comes first.
    const std::size_t written = output.pending.load() == 0 ? write_what_fits(message) : 0;
    if (written < message.size()) queue(message.substr(written), written == 0);
  }
  errno = saved_errno;
}

bool flush_log(std::chrono::nanoseconds patience) noexcept {
  const int saved_errno = errno;
  const std::int64_t end = monotonic_now() + patience.count();
  std::uint32_t pending = output.pending.load();
  while (pending != 0) {
    const std::int64_t left = end - monotonic_now();
    if (left <= 0) break;
    const timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
    wait_while_pending_is(pending, &timeout);
    pending = output.pending.load();
  }
  errno = saved_errno;
  return pending == 0;
}

LogCounters log_counters() noexcept {
  return {.messages = output.messages.load(std::memory_order_relaxed),
          .queued = output.queued.load(std::memory_order_relaxed),
          .dropped = output.dropped.load(std::memory_order_relaxed)};
}

}  // namespace colibri
