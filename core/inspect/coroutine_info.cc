#include "colibri/core/inspect/coroutine_info.h"

#include <fmt/format.h>

#include <utility>

#include "colibri/core/inspect/awaited.h"
#include "colibri/core/inspect/words.h"
#include "colibri/core/scheduler.h"
#include "colibri/core/stack_of.h"

namespace colibri {
namespace {

std::size_t stack_bytes_used(const ControlBlock& coroutine) noexcept {
  // One on a shared stack that never ran has no place on it yet.
  const bool stands = coroutine.state != CoroutineState::kRunning &&
                      coroutine.state != CoroutineState::kDone &&
                      coroutine.stack_pointer != nullptr;
  if (!stands) return 0;
  const auto top = reinterpret_cast<std::uintptr_t>(stack_of(coroutine).top());
  return top - reinterpret_cast<std::uintptr_t>(coroutine.stack_pointer);
}

/// Innermost first, as frames are.
Backtrace whole_stack(const ControlBlock& coroutine) {
  Backtrace whole;
  for (const ControlBlock* each = &leaf_of(coroutine);; each = each->resumer) {
    Backtrace part = capture_backtrace(*each);
    whole.insert(whole.end(), std::make_move_iterator(part.begin()),
                 std::make_move_iterator(part.end()));
    if (each == &coroutine) return whole;
  }
}

}  // namespace

const char* to_string(CoroutineState state) noexcept {
  switch (state) {
    case CoroutineState::kCreated:
      return "created";
    case CoroutineState::kReady:
      return "ready";
    case CoroutineState::kRunning:
      return "running";
    case CoroutineState::kResuming:
      return "resuming";
    case CoroutineState::kSuspended:
      return "suspended";
    case CoroutineState::kParked:
      return "parked";
    case CoroutineState::kDone:
      break;
  }
  return "done";
}

CoroutineInfo inspect(const ControlBlock& coroutine, WithStack with_stack) {
  CoroutineInfo info;
  info.id = coroutine.id;
  info.name = coroutine.name();
  info.site = coroutine.site();
  if (coroutine.extras != nullptr) info.parent = coroutine.extras->parent;
  const ControlBlock& leaf = leaf_of(coroutine);
  info.state = leaf.state;
  if (leaf.state == CoroutineState::kParked) {
    info.wait = describe_wait(leaf);
    if (leaf.wait_kind != WaitKind::kOther) {
      const std::uint32_t now = coarse_time(monotonic_now());
      info.since = coarse_difference(now, leaf.wait_note.since);
    }
  }
  if (is_suspended_by_hand(leaf)) info.wait = "resume by hand";
  info.ran = RunTimes::of(coroutine.id);
  info.stack_bytes_used = stack_bytes_used(coroutine);
  if (thread_state.scheduler != nullptr) info.scheduler = thread_state.scheduler->number();
  if (with_stack == WithStack::kYes) info.stack = whole_stack(coroutine);
  return info;
}

std::string to_string(const CoroutineInfo& info) {
  std::string text = fmt::format("{} {}:{} {}", coroutine_label(info.id, info.name), info.site.file,
                                 info.site.line, to_string(info.state));
  if (info.since.has_value()) text += " " + to_words(*info.since);
  if (!info.wait.empty()) text += ": " + info.wait;
  return text;
}

}  // namespace colibri
