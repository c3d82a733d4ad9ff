#include "colibri/hook/threads/native_threads.h"

#include <dlfcn.h>
#include <regex.h>

#include <atomic>
#include <cstring>

namespace colibri::native_threads {
namespace {

constinit std::atomic<bool> are_chosen{false};
constinit regex_t chosen{};

bool matches(const char* name) noexcept {
  return name != nullptr && regexec(&chosen, name, 0, nullptr, 0) == 0;
}

}  // namespace

bool choose(const char* pattern) noexcept {
  if (regcomp(&chosen, pattern, REG_EXTENDED | REG_NOSUB) != 0) return false;
  are_chosen.store(true);
  return true;
}

bool include(const void* code) noexcept {
  if (!are_chosen.load(std::memory_order_relaxed)) return false;
  Dl_info info{};
  if (dladdr(code, &info) == 0) return false;
  // The nearest name before the code is that of another function, if the code has none.
  if (info.dli_saddr == code && matches(info.dli_sname)) return true;
  const char* const slash = std::strrchr(info.dli_fname, '/');
  return matches(slash != nullptr ? slash + 1 : info.dli_fname);
}

}  // namespace colibri::native_threads
