#include "colibri/core/log_sink.h"

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>

#include <chrono>
#include <iterator>

#include "colibri/core/bypass.h"
#include "colibri/core/log_output.h"
#include "colibri/core/small_lock.h"

namespace colibri {
namespace {

class CoroutineFlag final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& /*message*/, const std::tm& /*time*/,
              spdlog::memory_buf_t& text) override {
    const ControlBlock* self = thread_state.current;
    if (self == nullptr) return;
    const std::uint64_t id = self->id;
    if (*self->name() == '\0') {
      fmt::format_to(std::back_inserter(text), "[{}] ", id);
    } else {
      fmt::format_to(std::back_inserter(text), "[{} '{}'] ", id, self->name());
    }
  }
  std::unique_ptr<spdlog::custom_flag_formatter> clone() const override {
    return std::make_unique<CoroutineFlag>();
  }
};

/// Not by spdlog's own base: a lock of the standard library's would be one that coroutines wait
/// for, and this thread could not run the one that it was given to.
class StandardErrorSink final : public spdlog::sinks::sink {
 public:
  void log(const spdlog::details::log_msg& message) override {
    // What the formatter calls must not park either.
    const Bypass bypass;
    const SmallLockGuard guard(lock_);
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    write_log({text.data(), text.size()});
  }
  void flush() override { flush_log(std::chrono::seconds(1)); }
  void set_pattern(const std::string& pattern) override { set_formatter(log_formatter(pattern)); }
  void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override {
    const SmallLockGuard guard(lock_);
    formatter_.swap(formatter);
  }

 private:
  SmallLock lock_;
  std::unique_ptr<spdlog::formatter> formatter_ = log_formatter(kLogPattern);
};

}  // namespace

std::unique_ptr<spdlog::formatter> log_formatter(const std::string& pattern) {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<CoroutineFlag>('*').set_pattern(pattern);
  return formatter;
}

std::shared_ptr<spdlog::sinks::sink> log_sink() {
  return std::make_shared<StandardErrorSink>();
}

}  // namespace colibri
