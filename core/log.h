// The library's own messages, written by spdlog to standard error. The environment's
// SPDLOG_LEVEL (for example "colibri=debug") chooses what is shown.
#pragma once

#include <string_view>

namespace colibri {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

/// Writes one message. Any thread, any coroutine; never parks. Does not throw: what cannot be
/// written is dropped.
void log(LogLevel level, std::string_view message) noexcept;

}  // namespace colibri
