#include "colibri/core/stackless_wait.h"

#include "colibri/core/launch.h"
#include "colibri/core/scheduler.h"
#include "colibri/core/task.h"
#include "colibri/core/unpark.h"

namespace colibri {

/// The C++20 coroutines of one scheduler that are to go on, and the carriers that call them. One
/// thread's.
class StacklessRunner {
 public:
  /// The thread's own, with a carrier at least.
  static StacklessRunner& of_this_thread();

  /// For the scheduler's thread.
  static void add_on_this_thread(StacklessWait& wait) noexcept;

 private:
  /// A carrier's beginning and end.
  class Carrying {
   public:
    explicit Carrying(StacklessRunner& runner) noexcept : runner_(runner) {}
    ~Carrying() { runner_.lose_carrier(); }

   private:
    StacklessRunner& runner_;
  };

  explicit StacklessRunner(std::shared_ptr<Mailbox> home) noexcept : home_(std::move(home)) {}
  bool belongs_here() const noexcept { return thread_state.scheduler->mailbox() == home_; }
  void add(StacklessWait& wait) noexcept;
  StacklessWait* take() noexcept;
  void start_carrier();
  void lose_carrier() noexcept;
  void carry();

  static constinit thread_local StacklessRunner* own_;

  std::shared_ptr<Mailbox> home_;  // stands for the scheduler
  StacklessWait* first_ready_ = nullptr;
  StacklessWait* last_ready_ = nullptr;
  WaitList idle_;  // of carriers
  std::size_t carriers_ = 0;
};

constinit thread_local StacklessRunner* StacklessRunner::own_ = nullptr;

StacklessRunner& StacklessRunner::of_this_thread() {
  const Scheduler& scheduler = Scheduler::current("co_await on something of colibri's");
  if (own_ != nullptr && !own_->belongs_here()) {
    // Carriers that an earlier scheduler abandoned; they never run again.
    delete own_;
    own_ = nullptr;
  }
  if (own_ == nullptr) {
    std::unique_ptr<StacklessRunner> fresh(new StacklessRunner(scheduler.mailbox()));
    fresh->start_carrier();
    own_ = fresh.release();
  }
  return *own_;
}

void StacklessRunner::add_on_this_thread(StacklessWait& wait) noexcept {
  try {
    of_this_thread().add(wait);
  } catch (...) {
    // The scheduler is ending, its carriers have ended already, and there is no memory for another.
    wait.release();
  }
}

void StacklessRunner::add(StacklessWait& wait) noexcept {
  (first_ready_ == nullptr ? first_ready_ : last_ready_->next_ready_) = &wait;
  last_ready_ = &wait;
  if (WaitNode* idle = idle_.pop_front()) {
    unpark(coroutine_of(*idle), WakeReason::kFired);
    return;
  }
  try {
    // The others may be blocked, or about to be.
    start_carrier();
  } catch (...) {
    // Then it has to wait until one of them is free.
  }
}

StacklessWait* StacklessRunner::take() noexcept {
  StacklessWait* wait = first_ready_;
  if (wait != nullptr) first_ready_ = wait->next_ready_;
  return wait;
}

void StacklessRunner::start_carrier() {
  go(SpawnOptions{.name = "carrier of C++20 coroutines"}, [this] { carry(); });
  ++carriers_;
}

void StacklessRunner::lose_carrier() noexcept {
  if (--carriers_ != 0) return;
  // The scheduler is ending, or a coroutine threw out of its resume.
  if (own_ == this) own_ = nullptr;
  while (StacklessWait* wait = take()) add_on_this_thread(*wait);
  delete this;
}

void StacklessRunner::carry() {
  const Carrying carrying(*this);
  for (;;) {
    while (StacklessWait* wait = take()) {
      void* frame = wait->frame_;
      const StacklessWait::Resume resume = wait->resume_;
      wait->release();
      if (frame != nullptr) resume(frame);
    }
    if (!idle_.empty()) return;  // one that has nothing to do is enough
    ControlBlock& self = *thread_state.current;
    idle_.push_back(self);
    const WakeReason reason = thread_state.scheduler->park({});
    withdraw(*thread_state.current);
    if (reason != WakeReason::kFired && first_ready_ == nullptr) return;
  }
}

StacklessWait::StacklessWait(void* frame, Resume resume, Mailbox& mailbox) noexcept
    : Waiter(mailbox), frame_(frame), resume_(resume) {}

StacklessWait* StacklessWait::make(void* frame, Resume resume) {
  StacklessRunner::of_this_thread();  // so that a wake need not make it
  return new StacklessWait(frame, resume, *thread_state.scheduler->mailbox());
}

void StacklessWait::release() noexcept {
  if (holders_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
}

void StacklessWait::abandon() noexcept {
  frame_ = nullptr;
  release();
}

void StacklessWait::deliver() noexcept {
  hold();
  StacklessRunner::add_on_this_thread(*this);
}

void StacklessWait::wake_here() noexcept {
  deliver();
  dispose();
}

struct StacklessSleep::Alarm : Timer {
  StacklessWait* wait = nullptr;
  std::shared_ptr<Mailbox> home;
  bool fired = false;

  static void on_time(Timer& timer) noexcept {
    Alarm& self = static_cast<Alarm&>(timer);
    self.fired = true;
    self.wait->wake_here();
  }
};

StacklessSleep::StacklessSleep(void* frame, StacklessWait::Resume resume, Deadline deadline)
    : alarm_(std::make_unique<Alarm>()) {
  alarm_->wait = StacklessWait::make(frame, resume);
  alarm_->wait->hold();
  alarm_->home = thread_state.scheduler->mailbox();
  alarm_->deadline = deadline.nanoseconds();
  alarm_->fire = &Alarm::on_time;
  if (!deadline.is_never()) thread_state.scheduler->arm(*alarm_);
}

StacklessSleep::~StacklessSleep() {
  Scheduler* scheduler = thread_state.scheduler;
  if (scheduler != nullptr && scheduler->mailbox() == alarm_->home) scheduler->cancel(*alarm_);
  if (!alarm_->fired) alarm_->wait->release();
  // The other of two references: NOLINTNEXTLINE(clang-analyzer-cplusplus.NewDelete)
  alarm_->wait->abandon();
}

}  // namespace colibri
