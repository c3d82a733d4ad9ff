#include "colibri/core/log.h"

#include <spdlog/cfg/env.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "colibri/core/bypass.h"
#include "colibri/core/small_lock.h"

namespace colibri {
namespace {

spdlog::logger& logger() {
  // Leaked: coroutines and destructors of globals may log until the very end.
  static const auto* const instance = [] {
    auto made = std::make_shared<spdlog::logger>("colibri",
                                                 std::make_shared<spdlog::sinks::stderr_sink_st>());
    spdlog::cfg::load_env_levels();
    spdlog::initialize_logger(made);  // applies the levels that the environment asks for
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
  // The write must reach libc, not the hooks: it would park. And a lock of the standard library's
  // would be one that coroutines wait for: this thread could not run the one that it was given to.
  static constinit SmallLock lock;
  const Bypass bypass;
  const SmallLockGuard guard(lock);
  try {
    logger().log(level_of(level), message);
  } catch (...) {
  }
}

}  // namespace colibri
