// A report on standard error that a test provokes, and goes on provoking until it is there.
#pragma once

#include <atomic>
#include <string>
#include <thread>

#include "test/support/captured_stderr.h"

namespace colibri::test {

/// Captures standard error and looks for a piece of text in it, on a thread of its own.
class [[nodiscard]] AwaitedReport {
 public:
  explicit AwaitedReport(std::string part);
  ~AwaitedReport();
  AwaitedReport(const AwaitedReport&) = delete;
  AwaitedReport& operator=(const AwaitedReport&) = delete;

  /// True once the text is there. Any thread.
  const std::atomic<bool>& is_there() const noexcept { return there_; }
  /// `descriptor` is closed when the text is there, at the latest at this object's end: who reads
  /// from the other end goes on.
  void closes(int descriptor) noexcept { descriptor_ = descriptor; }
  /// All that was written so far.
  std::string text() const { return captured_.text(); }

 private:
  void watch();

  const std::string part_;
  const CapturedStderr captured_;
  std::atomic<int> descriptor_{-1};
  std::atomic<bool> there_{false};
  std::atomic<bool> ended_{false};
  std::thread watcher_;
};

}  // namespace colibri::test
