// Alarms and tickers: time as a channel, for loops and select.
#pragma once

#include <chrono>
#include <memory>

#include "colibri/core/channel.h"
#include "colibri/core/timer_queue.h"

namespace colibri {

/// What timers send: a point of the monotonic clock.
using TimePoint = std::chrono::steady_clock::time_point;

/// What Alarm and Ticker share: a timer of the scheduler on which it was made, and a channel with
/// room for one point in time. To be made, changed and destroyed on that scheduler's thread;
/// whoever receives may be anywhere.
class TimeChannel : public Channel<TimePoint> {
 public:
  /// Who receives from it notices nothing.
  TimeChannel(TimeChannel&&) noexcept;
  TimeChannel& operator=(TimeChannel&& other) noexcept;
  ~TimeChannel();

  /// Nothing is sent from now on. What has been sent can still be received.
  void stop() noexcept;

 protected:
  /// Ends the process with a sentence, naming `caller`, on a thread without a scheduler.
  explicit TimeChannel(const char* caller);
  /// Sends at `first`, and then every `period` if that is positive.
  void start(Deadline first, std::chrono::nanoseconds period) noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Sends the time once, `duration` after it was made.
class [[nodiscard]] Alarm : public TimeChannel {
 public:
  /// Sends so much from now.
  explicit Alarm(std::chrono::nanoseconds duration);
  /// Anew, so much from now. A time that was sent and not received is taken back.
  void reset(std::chrono::nanoseconds duration);
};

/// Sends the time every `period`, without drift: the n-th tick is due n periods after the first. A
/// tick that nobody has received when the next is due replaces none: the next is left out.
class [[nodiscard]] Ticker : public TimeChannel {
 public:
  /// Throws std::invalid_argument for a period that is not positive.
  explicit Ticker(std::chrono::nanoseconds period);
  /// Another period, from now on. A tick that was sent and not received is taken back.
  void reset(std::chrono::nanoseconds period);
};

/// A channel that carries the time in `duration` from now: `select(on_receive(after(1s), ...))`.
inline Alarm after(std::chrono::nanoseconds duration) {
  return Alarm(duration);
}

}  // namespace colibri
