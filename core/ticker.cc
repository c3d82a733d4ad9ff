#include "colibri/core/ticker.h"

#include <stdexcept>

#include "colibri/core/scheduler.h"

namespace colibri {
namespace {

constexpr const char* kWrongThread =
    "an Alarm or Ticker was set, stopped or destroyed on another thread than the one it was made "
    "on";

}  // namespace

/// Lies in the heap, since the timer queue points to it.
struct TimeChannel::State : Timer {
  Channel<TimePoint> channel;
  std::shared_ptr<Mailbox>
      home;  // stands for the scheduler: no other has the same while we hold it
  std::int64_t period = 0;

  explicit State(const Channel<TimePoint>& shared) : channel(shared) {}

  /// The scheduler whose timer this is; null if it has ended.
  Scheduler* scheduler() const noexcept {
    Scheduler* current = thread_state.scheduler;
    return current != nullptr && current->mailbox() == home ? current : nullptr;
  }

  static void on_time(Timer& timer) noexcept {
    State& self = static_cast<State&>(timer);
    const auto due = std::chrono::nanoseconds(self.deadline);
    self.channel.try_send(TimePoint(std::chrono::duration_cast<TimePoint::duration>(due)));
    if (self.period == 0) return;
    // Ticks that are overdue already, after a long pause of the thread, are left out.
    const std::int64_t late = monotonic_now() - self.deadline;
    self.deadline += self.period * (1 + (late > 0 ? late / self.period : 0));
    self.scheduler()->arm_when_firing(self);
  }
};

TimeChannel::TimeChannel(const char* caller)
    : Channel<TimePoint>(1), state_(std::make_unique<State>(*this)) {
  state_->home = Scheduler::current(caller).mailbox();
  state_->fire = &State::on_time;
}

TimeChannel::TimeChannel(TimeChannel&&) noexcept = default;

TimeChannel& TimeChannel::operator=(TimeChannel&& other) noexcept {
  if (this != &other) {
    stop();
    Channel<TimePoint>::operator=(std::move(other));
    // Only the channel was moved from: NOLINTNEXTLINE(bugprone-use-after-move)
    state_ = std::move(other.state_);
  }
  return *this;
}

TimeChannel::~TimeChannel() {
  stop();
}

void TimeChannel::stop() noexcept {
  if (state_ == nullptr) return;
  if (Scheduler* scheduler = state_->scheduler(); scheduler != nullptr) {
    scheduler->cancel(*state_);
    return;
  }
  const SmallLockGuard guard(state_->home->lock);
  check(state_->home->loop == nullptr, kWrongThread);
}

void TimeChannel::start(Deadline first, std::chrono::nanoseconds period) noexcept {
  stop();
  try_receive();
  state_->deadline = first.nanoseconds();
  state_->period = period.count();
  Scheduler* scheduler = state_->scheduler();
  check(scheduler != nullptr, kWrongThread);
  if (!first.is_never()) scheduler->arm(*state_);
}

Alarm::Alarm(std::chrono::nanoseconds duration) : TimeChannel("colibri::Alarm") {
  reset(duration);
}

void Alarm::reset(std::chrono::nanoseconds duration) {
  start(Deadline::after(duration), std::chrono::nanoseconds(0));
}

Ticker::Ticker(std::chrono::nanoseconds period) : TimeChannel("colibri::Ticker") {
  reset(period);
}

void Ticker::reset(std::chrono::nanoseconds period) {
  if (period.count() <= 0) throw std::invalid_argument("the period of a Ticker must be positive");
  start(Deadline::after(period), period);
}

}  // namespace colibri
