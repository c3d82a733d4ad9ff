// What has to be said before a process ends by its own failure.
#pragma once

#include <atomic>

namespace colibri {

/// Null, or to be called before the sentence of a failed check or of a crash: writes out what the
/// log still holds back. Takes no lock and no memory, and comes to an end; signal handlers may call
/// it.
extern constinit std::atomic<void (*)() noexcept> before_last_words;

/// Any thread, any coroutine; signal handlers.
inline void prepare_last_words() noexcept {
  if (const auto prepare = before_last_words.load(std::memory_order_acquire)) prepare();
}

}  // namespace colibri
