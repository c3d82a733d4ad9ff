#include "colibri/core/thread_state.h"

#include <cerrno>
#include <utility>

#include "colibri/core/libc.h"

namespace colibri {
namespace {

/// Stands for the record of a coroutine that has a locale of its own, or of whoever is observed.
/// Never written.
constinit ExceptionState never_empty{nullptr, 1};

}  // namespace

constinit thread_local ThreadState thread_state __attribute__((tls_model("initial-exec")));

void ThreadState::prepare() noexcept {
  errno_address = &errno;
  choose_exceptions();
}

void ThreadState::choose_exceptions() noexcept {
  const bool slow = observer != nullptr || thread_locale != nullptr;
  exceptions = slow ? &never_empty : ExceptionState::of_thread();
}

void ThreadState::observe(SwitchObserver look) noexcept {
  observer = look;
  choose_exceptions();
}

PutAside::PutAside() noexcept {
  ThreadState& thread = thread_state;
  if (thread.thread_locale != nullptr) [[unlikely]] {
    locale_ = real::uselocale(std::exchange(thread.thread_locale, nullptr));
    thread.choose_exceptions();
  }
  exceptions_ = std::exchange(*ExceptionState::of_thread(), ExceptionState{});
}

PutAside::~PutAside() {
  *ExceptionState::of_thread() = exceptions_;
  if (locale_ != nullptr) [[unlikely]]
    use_locale_in_coroutine(locale_);
}

locale_t use_locale_in_coroutine(locale_t locale) noexcept {
  ThreadState& thread = thread_state;
  const locale_t before = real::uselocale(locale);
  if (locale == nullptr) return before;
  const locale_t of_thread = thread.thread_locale != nullptr ? thread.thread_locale : before;
  thread.thread_locale = locale != of_thread ? of_thread : nullptr;
  thread.choose_exceptions();
  return before;
}

void leave_own_locale() noexcept {
  use_locale_in_coroutine(thread_state.thread_locale);
}

void switch_and_put_aside(Flow& from, Flow& to) noexcept {
  if (thread_state.observer != nullptr) thread_state.observer(from, false);
  const PutAside aside;
  switch_flow_alone(from, to);
}

}  // namespace colibri
