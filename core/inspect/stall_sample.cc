#include "colibri/core/inspect/stall_sample.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "colibri/core/clock.h"
#include "colibri/core/inspect/signal_choice.h"
#include "colibri/core/libc.h"
#include "colibri/core/scheduler.h"
#include "colibri/core/thread_state.h"

namespace colibri {
namespace {

/// The one question that is open:
///
///   kNone ──ask──▶ kAsked ──handler──▶ kAnswering ──handler──▶ kTaken or kOver ──ask──▶ kNone
///   kAsked ──patience is over──▶ kNone
enum Question : std::uint32_t { kNone, kAsked, kAnswering, kTaken, kOver };

constinit std::atomic<std::uint32_t> question{kNone};
constinit std::atomic<StallSample*> asked{nullptr};
constinit SignalChoice chosen;

constexpr std::size_t kMostSearched = 4096;

template <class Visit>
void for_each_parked(Visit visit) noexcept {
  std::size_t count = 0;
  const ControlBlock* running = thread_state.current;
  for (const ControlBlock* each = &thread_state.scheduler->newest(); each != nullptr;
       each = each->next_alive) {
    // It, and whom it has resumed.
    for (const ControlBlock* flow = each;; flow = flow->resumed) {
      if (flow != running && ++count <= kMostSearched && !visit(*flow)) return;
      if (flow->state != CoroutineState::kResuming) break;
    }
  }
}

void note(StallSample::Coroutine& coroutine, const ControlBlock& block) noexcept {
  coroutine.id = block.id;
  coroutine.origin = static_cast<OriginIndex>(block.origin);
}

/// Keeps the stacks of those who are not running and have `lock` on their stacks; 0: of all, as
/// many as there is room for.
void find_holders(StallSample& sample, std::uintptr_t lock) noexcept {
  sample.holder_count = 0;
  for_each_parked([&](const ControlBlock& coroutine) noexcept {
    StallSample::Coroutine& place = sample.holders[sample.holder_count];
    if (copy_parked(place.stack, coroutine) && (lock == 0 || holds_word(place.stack, lock))) {
      note(place, coroutine);
      ++sample.holder_count;
    }
    return sample.holder_count < StallSample::kMostHolders;
  });
}

void look_for_holders(StallSample& sample) noexcept {
  find_holders(sample, sample.lock);
  sample.holders_are_certain = sample.holder_count != 0;
  // A lock that is a global variable need not have its address anywhere.
  if (!sample.holders_are_certain) find_holders(sample, 0);
}

Question answer(StallSample& sample, const ucontext_t& context) noexcept {
  const ControlBlock* running = thread_state.current;
  if (running == nullptr || thread_state.run_queue == nullptr ||
      thread_state.run_queue->position() != sample.position) {
    return kOver;
  }
  note(sample.culprit, *running);
  copy_interrupted(sample.culprit.stack, context);
  sample.holder_count = 0;
  if (sample.lock != 0) look_for_holders(sample);
  return kTaken;
}

void wake_asker() noexcept {
  real::syscall(SYS_futex, &question, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

void on_question(int /*signal*/, siginfo_t* /*info*/, void* context) {
  const int saved_errno = errno;
  std::uint32_t expected = kAsked;
  // Anybody may send signals; and one may arrive when its question is no longer open.
  if (question.compare_exchange_strong(expected, kAnswering)) {
    StallSample& sample = *asked.load();
    const bool for_us = sample.thread == gettid();
    question.store(for_us ? answer(sample, *static_cast<const ucontext_t*>(context)) : kAsked);
    if (for_us) wake_asker();
  }
  errno = saved_errno;
}

/// Until the question is answered, or `patience` is over.
std::uint32_t wait_for_answer(std::int64_t patience) noexcept {
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  const std::int64_t end = monotonic_now() + patience;
  for (;;) {
    std::uint32_t state = question.load();
    if (state != kAsked && state != kAnswering) return state;
    const std::int64_t left = end - monotonic_now();
    // An answer that has begun is waited for.
    if (left <= 0 && state == kAsked && question.compare_exchange_strong(state, kNone)) {
      return kNone;
    }
    const std::int64_t most = left > 0 ? left : kNanosecondsPerSecond / 1000;
    const timespec timeout{most / kNanosecondsPerSecond, most % kNanosecondsPerSecond};
    real::syscall(SYS_futex, &question, FUTEX_WAIT_PRIVATE, state, &timeout, nullptr, 0);
  }
}

}  // namespace

SampleResult ask_thread(StallSample& sample, std::chrono::nanoseconds patience) noexcept {
  const int signal = chosen.get(&on_question);
  if (signal == 0) return SampleResult::kNoAnswer;
  asked.store(&sample);
  question.store(kAsked);
  if (real::syscall(SYS_tgkill, getpid(), sample.thread, signal) != 0) {
    question.store(kNone);
    return SampleResult::kNoAnswer;
  }
  const std::uint32_t state = wait_for_answer(patience.count());
  question.store(kNone);
  if (state == kTaken) return SampleResult::kTaken;
  return state == kOver ? SampleResult::kOver : SampleResult::kNoAnswer;
}

SampleResult look_at_thread(StallSample& sample, const ListedScheduler& scheduler,
                            const SystemCall& call) noexcept {
  // Copied by the kernel: the thread may go on at any moment, and the coroutine be no more.
  const auto copy = [](void* to, const void* from, std::size_t size) {
    const iovec local{to, size};
    const iovec remote{const_cast<void*>(from), size};
    return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == static_cast<ssize_t>(size);
  };
  const ControlBlock* running = nullptr;
  alignas(ControlBlock) std::byte bytes[sizeof(ControlBlock)];
  // The pointer itself: NOLINTNEXTLINE(bugprone-sizeof-expression)
  if (!copy(&running, &scheduler.thread_state->current, sizeof running)) {
    return SampleResult::kNoAnswer;
  }
  if (running == nullptr) return SampleResult::kOver;
  if (!copy(bytes, running, sizeof bytes)) return SampleResult::kOver;
  note(sample.culprit, *reinterpret_cast<const ControlBlock*>(bytes));
  sample.holder_count = 0;
  copy_in_system_call(sample.culprit.stack, call.stack_pointer, call.instruction_pointer);
  return SampleResult::kTaken;
}

int stall_signal() noexcept {
  return chosen.current();
}

void forget_samples_in_child() noexcept {
  question.store(kNone);
}

}  // namespace colibri
