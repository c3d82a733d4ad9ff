#include "colibri/core/thread_state.h"

#include <cerrno>
#include <utility>

#include "colibri/core/libc.h"
#include "colibri/core/scheduler_watch.h"

namespace colibri {
namespace {

/// Stands for the record of a coroutine that has a locale of its own, or is watched. Never written.
constinit ExceptionState never_empty{nullptr, 1};

}  // namespace

constinit thread_local ThreadState thread_state __attribute__((tls_model("initial-exec")));

void ThreadState::prepare() noexcept {
  errno_address = &errno;
  own_exceptions = ExceptionState::of_thread();
  choose_exceptions();
}

void ThreadState::choose_exceptions() noexcept {
  const bool looks_full = thread_locale != nullptr || watch != nullptr;
  exceptions = looks_full ? &never_empty : own_exceptions;
}

void ThreadState::add_watch(SchedulerWatch& added) noexcept {
  added.next_watch = watch;
  watch = &added;
  choose_exceptions();
}

void ThreadState::remove_watch(SchedulerWatch& removed) noexcept {
  SchedulerWatch** link = &watch;
  while (*link != nullptr && *link != &removed) link = &(*link)->next_watch;
  if (*link != nullptr) *link = removed.next_watch;
  choose_exceptions();
}

void ThreadState::retire_watches() noexcept {
  while (watch != nullptr) {
    SchedulerWatch& first = *watch;
    remove_watch(first);
    first.retire();
  }
}

void ThreadState::tell_watch(const Flow& from) const noexcept {
  for (SchedulerWatch* each = watch; each != nullptr; each = each->next_watch) {
    if (&from == &own_flow) {
      each->leaves_loop();
    } else {
      each->leaves(static_cast<const ControlBlock&>(from));
    }
  }
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
  thread_state.tell_watch(from);
  // While somebody watches, nearly every switch has come here for that alone.
  if (thread_state.thread_locale == nullptr && thread_state.own_exceptions->empty()) [[likely]] {
    return switch_flow_alone(from, to);
  }
  const PutAside aside;
  switch_flow_alone(from, to);
}

}  // namespace colibri
