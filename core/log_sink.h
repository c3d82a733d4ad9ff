// What colibri's own log is made of, for programs that log by spdlog, too.
//
//   auto logger = std::make_shared<spdlog::logger>("shop", colibri::log_sink());
//   logger->info("sold");   // [2026-01-31 12:00:00.000] [shop] [7 'checkout'] [info] sold
#pragma once

#include <spdlog/formatter.h>
#include <spdlog/sinks/sink.h>

#include <memory>
#include <string>

namespace colibri {

/// Time, logger, coroutine, level, text.
inline constexpr char kLogPattern[] = "[%Y-%m-%d %T.%e] [%n] %*[%l] %v";

/// A formatter for a pattern of spdlog's, with the flag %* besides: the coroutine that logs, as "[7
/// 'checkout'] " with its id and its name if it has one; nothing outside coroutines. Throws
/// std::bad_alloc.
std::unique_ptr<spdlog::formatter> log_formatter(const std::string& pattern);

/// A new sink that writes to standard error as log_output.h says, by kLogPattern until it is given
/// another pattern. Neither parks nor waits. Any thread. Throws std::bad_alloc.
std::shared_ptr<spdlog::sinks::sink> log_sink();

}  // namespace colibri
