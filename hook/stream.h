// Streams of stdio on sockets and pipes whose calls park.
//
// libc's stdio reads and writes by calls of its own, which nobody can hook. So a stream of ours is
// one of fopencookie's, on the hooked read and write. A coroutine that parks in there is in the
// midst of a stdio function, and three things keep everybody else out of the FILE meanwhile:
//
// 1. libc's lock of a FILE belongs to the thread, which all coroutines of a scheduler share. It is
//    off (FSETLOCKING_BYCALLER), and every public function that may read, write or change buffers
//    takes ours first, which belongs to the coroutine or the plain thread.
// 2. exit and fflush(NULL) go through libc's list of streams without asking anybody. Ours are not
//    in it: the hook of fflush and a destructor flush them instead.
// 3. Who comes by a function without a hook (fgetpwent and its like) does not hold our lock. Then
//    nothing parks: the call blocks the thread, and says EDEADLK if somebody else is in the midst
//    of reading or writing.
//
// They are streams of bytes: wide characters are refused, as from every stream of fopencookie's.
#pragma once

#include <stdio.h>

#include <atomic>
#include <cstdint>

#include "colibri/hook/mutex_body.h"
#include "colibri/hook/stream_mode.h"

namespace colibri {

/// One stream of ours. Lies in the heap, since calls on it park.
class Stream {
 public:
  /// A stream on `number`, a socket or a pipe, which it closes in the end. With a `process` the
  /// descriptor belongs to that stream of libc's popen, which is then closed in its place. Null
  /// with errno where memory is short or this libc lets nobody take a stream out of its list; the
  /// caller keeps what it has. Any thread.
  static FILE* open(int number, const StreamMode& mode, FILE* process) noexcept;

  /// What `file` is here; null if it is libc's. Any thread.
  static Stream* find(const FILE* file) noexcept {
    return (file->_flags & _IO_USER_LOCK) == 0 ? nullptr : find_in_table(file);
  }

  /// The lock of the stream, for its functions and for flockfile. Recursive; parks a coroutine;
  /// ended neither by cancel nor by a TimeLimit. Leaves errno alone.
  void lock() noexcept { body().lock(nullptr); }
  bool try_lock() noexcept { return body().try_lock() == 0; }
  /// No effect if the caller does not hold it.
  void unlock() noexcept { body().unlock(); }

  /// fclose: flushes, closes the descriptor, and ends the stream.
  int close() noexcept;

  /// Makes it libc's own, locked by libc: for freopen, which gives the FILE another file.
  /// `reopen()` does so, and closes the descriptor.
  template <class Reopen>
  FILE* give_back(Reopen reopen) noexcept {
    lock();
    leave_table();
    FILE* const result = reopen();
    restore();
    unlock();
    release();
    return result;
  }

  /// Flushes every stream of ours that has output. EOF with errno if one of them fails. May park.
  static int flush_all() noexcept;

  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

 private:
  friend class StreamTable;
  struct Cookie;

  Stream(int number, bool writes, FILE* process) noexcept
      : number_(number), writes_(writes), process_(process) {}
  ~Stream() = default;

  static Stream* find_in_table(const FILE* file) noexcept;

  MutexBody& body() noexcept { return MutexBody::of(&mutex_); }
  void attach(FILE* file) noexcept;
  void leave_table() noexcept;
  void restore() noexcept;
  /// Gives up one of the references that keep it alive.
  void release() noexcept;
  bool has_output() const noexcept;
  /// True for who may park in a read or write; otherwise sets `error` if he may not even make it.
  bool may_park(int& error) noexcept;
  /// In the child of a fork.
  void forget_others() noexcept;

  const int number_;
  const bool writes_;
  FILE* const process_;
  FILE* file_ = nullptr;  // null once it has been closed or given back
  pthread_mutex_t mutex_ = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
  std::atomic<bool> in_transfer_{false};  // who holds the lock reads or writes, perhaps parked
  // The table's, under the lock of the bucket.
  Stream* next_ = nullptr;
  std::uint64_t age_ = 0;
  std::atomic<int> references_{1};
};

/// Holds the lock of a stream for a scope, if it is one of ours.
class [[nodiscard]] StreamScope {
 public:
  explicit StreamScope(const FILE* file) noexcept : stream_(Stream::find(file)) {
    if (stream_ != nullptr) [[unlikely]]
      stream_->lock();
  }
  ~StreamScope() {
    if (stream_ != nullptr) [[unlikely]]
      stream_->unlock();
  }
  StreamScope(const StreamScope&) = delete;
  StreamScope& operator=(const StreamScope&) = delete;

 private:
  Stream* const stream_;
};

/// in_stream for what may be one of ours.
template <class Real, class... Arguments>
[[gnu::noinline]] auto in_locked_stream(const Real& real, const FILE* file,
                                        Arguments... arguments) {
  const StreamScope scope(file);
  return real.get()(arguments...);
}

/// `real(arguments...)`, libc's function on `file`, with the lock of a stream of ours. For libc's
/// own streams that is a look at their flags and a jump.
template <class Real, class... Arguments>
[[gnu::always_inline]] inline auto in_stream(const Real& real, const FILE* file,
                                             Arguments... arguments) {
  if ((file->_flags & _IO_USER_LOCK) == 0) [[likely]]
    return real.get()(arguments...);
  return in_locked_stream(real, file, arguments...);
}

}  // namespace colibri
