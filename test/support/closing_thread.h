// A thread beside the scheduler that closes what it is given, as a hooked close does.
#pragma once

#include <atomic>
#include <thread>

#include "colibri/core/event_loop.h"
#include "colibri/core/libc.h"

namespace colibri::test {

/// To be used by one other thread.
class ClosingThread {
 public:
  ClosingThread() : thread_([this] { close_what_is_offered(); }) {}
  ~ClosingThread() {
    over_ = true;
    thread_.join();
  }
  ClosingThread(const ClosingThread&) = delete;
  ClosingThread& operator=(const ClosingThread&) = delete;

  /// Gives it a descriptor, when it has taken the one before. Returns at once: the close comes
  /// soon.
  void offer(int descriptor) noexcept { offered_ = descriptor; }
  /// Until it has taken what was offered; without letting other coroutines run.
  void await_taken() const noexcept {
    while (offered_ >= 0) std::this_thread::yield();
  }

 private:
  void close_what_is_offered() {
    while (!over_) {
      const int descriptor = offered_.exchange(-1);
      if (descriptor < 0) {
        std::this_thread::yield();
        continue;
      }
      EventLoop::detach_everywhere(descriptor);
      real::close(descriptor);
      EventLoop::closed_everywhere(descriptor);
    }
  }

  std::atomic<int> offered_{-1};
  std::atomic<bool> over_{false};
  std::thread thread_;  // after what it uses
};

}  // namespace colibri::test
