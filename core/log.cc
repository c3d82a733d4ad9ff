#include "colibri/core/log.h"

#include <spdlog/cfg/env.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "colibri/core/bypass.h"
#include "colibri/core/log_sink.h"

namespace colibri {
namespace {

spdlog::logger& logger() {
  // Leaked: coroutines and destructors of globals may log until the very end.
  static const auto* const instance = [] {
    auto made = std::make_shared<spdlog::logger>("colibri", log_sink());
    spdlog::cfg::load_env_levels();
    // Gives it the level that the environment asks for; and spdlog's formatter, which knows no
    // coroutines, and is not wanted.
    spdlog::initialize_logger(made);
    made->set_formatter(log_formatter(kLogPattern));
    return new std::shared_ptr<spdlog::logger>(made);
  }();
  return **instance;
}

spdlog::level::level_enum level_of(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      break;
  }
  return spdlog::level::err;
}

}  // namespace

void log(LogLevel level, std::string_view message) noexcept {
  // Making the logger reaches spdlog's registry, whose locks must not park.
  const Bypass bypass;
  try {
    logger().log(level_of(level), message);
  } catch (...) {
  }
}

}  // namespace colibri
