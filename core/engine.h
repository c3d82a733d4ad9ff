// Which of the kernel's interfaces a scheduler waits and transfers by.
#pragma once

#include <string_view>

namespace colibri {

enum class Engine {
  kEpoll,    // the reference: works everywhere
  kIoUring,  // the same, and connections receive and send by io_uring (Linux 6.1), many at a time
};

/// Reads "epoll" or "io_uring". Throws std::invalid_argument, quoting the text, for anything else.
Engine parse_engine(std::string_view text);

/// What COLIBRI_ENGINE says; epoll when it is unset or empty. Errors: as parse_engine.
Engine engine_from_environment();

/// Says in the log, once in the process, that epoll serves in place of io_uring, and why. Any
/// thread.
void log_refused_once(std::string_view why) noexcept;

}  // namespace colibri
