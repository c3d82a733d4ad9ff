#include "colibri/core/engine.h"

#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "colibri/core/log.h"

namespace colibri {

Engine parse_engine(std::string_view text) {
  if (text == "epoll") return Engine::kEpoll;
  if (text == "io_uring") return Engine::kIoUring;
  throw std::invalid_argument("\"" + std::string(text) +
                              "\" is no engine; write \"epoll\" or \"io_uring\"");
}

Engine engine_from_environment() {
  const char* text = std::getenv("COLIBRI_ENGINE");
  return text == nullptr || *text == '\0' ? Engine::kEpoll : parse_engine(text);
}

void log_refused_once(std::string_view why) noexcept {
  static constinit std::atomic<bool> said{false};
  if (said.exchange(true, std::memory_order_relaxed)) return;
  try {
    log(LogLevel::kWarning,
        "epoll serves in place of io_uring, which is not to be had here: " + std::string(why) +
            " (see kernel.io_uring_disabled, ulimit -l, and what the sandbox permits)");
  } catch (...) {
    // No memory for the sentence.
  }
}

}  // namespace colibri
