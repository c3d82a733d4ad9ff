#include "colibri/core/thread_state.h"

#include <cerrno>
#include <utility>

#include "colibri/core/libc.h"

namespace colibri {
namespace {

/// Stands for the record of a coroutine that has a locale of its own. Never written.
constinit ExceptionState never_empty{nullptr, 1};

}  // namespace

constinit thread_local ThreadState thread_state __attribute__((tls_model("initial-exec")));

void ThreadState::prepare() noexcept {
  errno_address = &errno;
  exceptions = ExceptionState::of_thread();
}

PutAside::PutAside() noexcept {
  ThreadState& thread = thread_state;
  if (thread.thread_locale != nullptr) [[unlikely]] {
    locale_ = real::uselocale(std::exchange(thread.thread_locale, nullptr));
    thread.exceptions = ExceptionState::of_thread();
  }
  exceptions_ = std::exchange(*thread.exceptions, ExceptionState{});
}

PutAside::~PutAside() {
  *thread_state.exceptions = exceptions_;
  if (locale_ != nullptr) [[unlikely]]
    use_locale_in_coroutine(locale_);
}

locale_t use_locale_in_coroutine(locale_t locale) noexcept {
  ThreadState& thread = thread_state;
  const locale_t before = real::uselocale(locale);
  if (locale == nullptr) return before;
  const locale_t of_thread = thread.thread_locale != nullptr ? thread.thread_locale : before;
  const bool differs = locale != of_thread;
  thread.thread_locale = differs ? of_thread : nullptr;
  thread.exceptions = differs ? &never_empty : ExceptionState::of_thread();
  return before;
}

void leave_own_locale() noexcept {
  use_locale_in_coroutine(thread_state.thread_locale);
}

void switch_and_put_aside(Flow& from, Flow& to) noexcept {
  const PutAside aside;
  switch_flow(from, to);
}

}  // namespace colibri
