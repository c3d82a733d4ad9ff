#include "colibri/hook/child_wait.h"

#include <sys/syscall.h>

#include <exception>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "colibri/core/helper_call.h"
#include "colibri/core/internal_descriptor.h"

namespace colibri {
namespace {

/// A helper's call of waitid, which several coroutines of a thread may wait for.
class ChildWatch final : public HelperCall {
 public:
  explicit ChildWatch(const ChildQuestion& question) noexcept
      : question_(question), process_(getpid()) {}
  void run() noexcept override {
    siginfo_t info{};
    real::waitid(question_.kind, question_.id, &info, question_.options | WNOWAIT);
  }
  void describe(std::span<char> text) const noexcept override {
    std::string_view("wait for a child process").copy(text.data(), text.size() - 1);
  }
  /// False for one whose thread stayed with the parent of a fork.
  bool is_of_this_process() const noexcept { return process_ == getpid(); }
  bool answers(const ChildQuestion& question) const noexcept { return question_ == question; }

 private:
  const ChildQuestion question_;
  const pid_t process_;
};

/// Those of this thread that are on their way. One that everybody has given up is found again by
/// the next call that asks the same, so that there are never more than questions.
std::vector<std::shared_ptr<ChildWatch>>& watches() {
  static thread_local std::vector<std::shared_ptr<ChildWatch>> all;
  return all;
}

WakeReason wait_for_watch(const ChildQuestion& question, const WaitTerms& terms) {
  auto& all = watches();
  // The lock of one whose thread stayed with the parent of a fork may be held for ever.
  std::erase_if(all,
                [](const auto& each) { return !each->is_of_this_process() || each->is_done(); });
  for (const auto& each : all) {
    if (!each->answers(question)) continue;
    const std::shared_ptr<ChildWatch> watch = each;
    return watch->wait(terms);
  }
  const auto watch = std::make_shared<ChildWatch>(question);
  all.push_back(watch);
  return run_on_helper(watch, HelperSet::kUnbounded, terms);
}

/// kUnsupported where the kernel has no pidfd to give.
WakeReason wait_for_exit(pid_t process, const WaitLimits& limits) {
  // In the heap, since others walk the list that it is in.
  const auto pidfd = std::make_unique<InternalDescriptor>();
  const auto number = static_cast<int>(real::syscall(SYS_pidfd_open, process, 0));
  if (number < 0) return errno == ESRCH ? WakeReason::kFired : WakeReason::kUnsupported;
  pidfd->adopt(number, "pidfd_open");
  const WakeReason reason = wait_ready(pidfd->number(), Direction::kRead, limits);
  const int last = pidfd->number();
  EventLoop::detach_everywhere(last);
  pidfd->reset();
  EventLoop::closed_everywhere(last);
  // Closed by others, behind our back, or moved: look again.
  return reason == WakeReason::kClosed ? WakeReason::kFired : reason;
}

/// For children of this thread alone, of whom a helper hears nothing.
WakeReason wait_in_pauses(bool interruptible) {
  const WakeReason reason = thread_state.scheduler->park(
      {.deadline = Deadline::after(std::chrono::milliseconds(10)), .interruptible = interruptible});
  return reason == WakeReason::kTimeout ? WakeReason::kFired : reason;
}

/// Throws std::bad_alloc, and std::system_error when no descriptor can be had.
WakeReason wait_for_news(const ChildQuestion& question, bool interruptible, GrowingPause& pause) {
  const bool has_pidfd = question.kind == P_PID || question.kind == P_PIDFD;
  if (has_pidfd && (question.options & ~WNOWAIT) == WEXITED) {
    const WaitLimits limits{.deadline = pause.begin(), .interruptible = interruptible};
    WakeReason reason = WakeReason::kUnsupported;
    if (question.kind == P_PID) reason = wait_for_exit(static_cast<pid_t>(question.id), limits);
    if (question.kind == P_PIDFD) {
      reason = wait_ready(static_cast<int>(question.id), Direction::kRead, limits);
    }
    if (reason == WakeReason::kTimeout) return WakeReason::kFired;
    if (reason != WakeReason::kUnsupported) return reason;
  }
  return wait_for_watch(question, {.interruptible = interruptible});
}

}  // namespace

ChildQuestion ChildQuestion::of_wait(pid_t process, int options) noexcept {
  const int waited = WEXITED | (options & ~(WNOHANG | WNOWAIT));  // WUNTRACED is WSTOPPED
  if (process > 0) return {P_PID, static_cast<id_t>(process), waited};
  if (process == -1) return {P_ALL, 0, waited};
  // Unsigned, since the smallest number has no opposite.
  return {P_PGID, process == 0 ? static_cast<id_t>(getpgrp()) : -static_cast<id_t>(process),
          waited};
}

WakeReason wait_for_child(const ChildQuestion& question, bool interruptible,
                          GrowingPause& pause) noexcept {
  if ((question.options & __WNOTHREAD) != 0) return wait_in_pauses(interruptible);
  try {
    return wait_for_news(question, interruptible, pause);
  } catch (const std::exception&) {
    return wait_in_pauses(interruptible);  // no memory for anything better
  }
}

}  // namespace colibri
