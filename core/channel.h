// Channel<T>: values handed from coroutine to coroutine, as in Go.
#pragma once

#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "colibri/core/channel_state.h"

namespace colibri {

template <class T>
class ChannelIterator;
template <class T>
class ReceiveAwaiter;

/// A queue between coroutines, or threads, that blocks who sends when it is full and who receives
/// when it is empty. With room for no value at all (the default) a value goes straight from sender
/// to receiver, and each waits for the other.
///
/// A handle: copies are the same channel, which lives as long as any of them. Capture it by value.
/// Any coroutine of any scheduler and any plain thread may call every method; first come, first
/// served. Values need only be movable. As long as one thread alone uses a channel, no call locks
/// the bus, and none allocates unless more wait than ever before.
///
/// Calls that wait throw Canceled in a cancelled coroutine, and std::system_error (timed_out) when
/// an enclosing TimeLimit is over; a value that was to be sent is then still the caller's.
template <class T>
class Channel {
 public:
  /// A channel with room for `capacity` values that nobody has received yet. Throws std::bad_alloc.
  explicit Channel(std::size_t capacity = 0)
      : state_(std::make_shared<ChannelState<T>>(capacity)) {}

  /// Waits until there is room, or a receiver. False if the channel is closed or gets closed first:
  /// then `value` has not been moved from.
  [[gnu::always_inline]] bool send(T&& value) const { return send_until(value, Deadline::never()); }
  /// The same with a copy.
  [[gnu::always_inline]] bool send(const T& value) const { return send(T(value)); }

  /// Sends only if that need not wait; otherwise false, and `value` has not been moved from.
  bool try_send(T&& value) const {
    BiasedGuard guard(state_->lock);
    return finish(guard, [&](WaitPlace*& woken) {
             return state_->try_send_locked(value, woken);
           }) == Transfer::kDone;
  }
  bool try_send(const T& value) const { return try_send(T(value)); }

  /// As send, but false also when `deadline` passes first.
  bool try_send_until(T&& value, Deadline deadline) const { return send_until(value, deadline); }
  bool try_send_for(T&& value, std::chrono::nanoseconds duration) const {
    return send_until(value, Deadline::after(duration));
  }

  /// Waits for the next value; nothing once the channel is closed and all its values are received.
  [[gnu::always_inline]] std::optional<T> receive() const {
    return try_receive_until(Deadline::never());
  }
  /// The same into a variable of the caller's.
  [[gnu::always_inline]] void receive_into(std::optional<T>& value) const {
    receive_until(value, Deadline::never());
  }

  /// The next value if it is there.
  std::optional<T> try_receive() const {
    std::optional<T> value;
    BiasedGuard guard(state_->lock);
    finish(guard, [&](WaitPlace*& woken) { return state_->try_receive_locked(value, woken); });
    return value;
  }

  /// As receive, but nothing also when `deadline` passes first; finished() tells the two apart.
  [[gnu::always_inline]] std::optional<T> try_receive_until(Deadline deadline) const {
    std::optional<T> value;
    receive_until(value, deadline);
    return value;
  }
  std::optional<T> try_receive_for(std::chrono::nanoseconds duration) const {
    return try_receive_until(Deadline::after(duration));
  }

  /// No value can be sent from now on; those that wait to send keep theirs, and receivers get what
  /// is left and then nothing. Closing twice is harmless.
  void close() const noexcept { state_->close(); }

  /// True after close(), also while values are left.
  bool closed() const noexcept {
    const BiasedGuard guard(state_->lock);
    return state_->closed_locked();
  }
  /// True once it is closed and every value has been received: none will come any more.
  bool finished() const noexcept {
    const BiasedGuard guard(state_->lock);
    return state_->closed_locked() && state_->ring_locked().empty();
  }
  /// Values sent and not yet received, without those of senders that wait.
  std::size_t size() const noexcept {
    const BiasedGuard guard(state_->lock);
    return state_->ring_locked().size();
  }
  std::size_t capacity() const noexcept { return state_->ring_locked().capacity(); }

  /// An input range of what is received, up to the end: `for (int number : numbers)`.
  ChannelIterator<T> begin() const;
  std::default_sentinel_t end() const noexcept { return {}; }

  /// Names the channel, for people who look inside. `name` must live as long as the program.
  void set_name(const char* name) const noexcept {
    const BiasedGuard guard(state_->lock);
    state_->name = name;
  }

  /// True if both are handles of one channel.
  friend bool operator==(const Channel&, const Channel&) noexcept = default;

 private:
  template <class>
  friend class ChannelCase;
  template <class>
  friend class ReceiveAwaiter;

  /// What stands between a lock taken and an attempt made: lets go, then wakes.
  template <class Attempt>
  [[gnu::always_inline]] static Transfer finish(BiasedGuard& guard, Attempt attempt) {
    WaitPlace* woken = nullptr;
    const Transfer result = attempt(woken);
    if (result == Transfer::kMustWait) return result;
    guard.release();
    if (woken != nullptr) woken->waiter->wake();
    return result;
  }

  bool send_until(T& value, Deadline deadline) const;
  // By reference, and not by its result: an optional of a few bytes would be returned in a
  // register, for which the processor has to wait until the parts are put together in memory.
  void receive_until(std::optional<T>& value, Deadline deadline) const;

  std::shared_ptr<ChannelState<T>> state_;
};

template <class T>
[[gnu::always_inline]] inline bool Channel<T>::send_until(T& value, Deadline deadline) const {
  begin_call("Channel::send");
  ChannelState<T>& state = *state_;
  BiasedGuard guard(state.lock);
  const Transfer result =
      finish(guard, [&](WaitPlace*& woken) { return state.try_send_locked(value, woken); });
  if (result != Transfer::kMustWait) return result == Transfer::kDone;
  ChannelSlot<T>& slot = state.take_slot_locked(Waiter::begin());
  slot.value.emplace(std::move(value));
  const WakeReason reason =
      wait_at_inlined(slot, state.senders, state.lock, guard, {.deadline = deadline});
  guard.take(state.lock);
  // Nobody has taken it: the channel was closed, or time is up.
  const bool sent = !slot.value.has_value();
  if (!sent) value = std::move(*slot.value);
  state.put_back_locked(slot);
  guard.release();
  if (reason != WakeReason::kFired) [[unlikely]]
    came_in_time(reason, "Channel::send");
  return sent;
}

template <class T>
[[gnu::always_inline]] inline void Channel<T>::receive_until(std::optional<T>& value,
                                                             Deadline deadline) const {
  begin_call("Channel::receive");
  ChannelState<T>& state = *state_;
  value.reset();
  BiasedGuard guard(state.lock);
  const Transfer result =
      finish(guard, [&](WaitPlace*& woken) { return state.try_receive_locked(value, woken); });
  if (result != Transfer::kMustWait) return;
  ChannelSlot<T>& slot = state.take_slot_locked(Waiter::begin());
  const WakeReason reason =
      wait_at_inlined(slot, state.receivers, state.lock, guard, {.deadline = deadline});
  guard.take(state.lock);
  if (slot.value.has_value()) value.emplace(std::move(*slot.value));
  state.put_back_locked(slot);
  guard.release();
  if (reason != WakeReason::kFired) [[unlikely]]
    came_in_time(reason, "Channel::receive");
}

/// Receives as it goes; single pass.
template <class T>
class ChannelIterator {
 public:
  /// What the standard wants of an iterator.
  using value_type = T;
  using difference_type = std::ptrdiff_t;

  explicit ChannelIterator(Channel<T> channel) : channel_(std::move(channel)) {
    channel_.receive_into(value_);
  }

  T& operator*() const noexcept { return *value_; }
  [[gnu::always_inline]] ChannelIterator& operator++() {
    channel_.receive_into(value_);
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const ChannelIterator& iterator, std::default_sentinel_t) noexcept {
    return !iterator.value_.has_value();
  }

 private:
  Channel<T> channel_;
  mutable std::optional<T> value_;
};

template <class T>
ChannelIterator<T> Channel<T>::begin() const {
  return ChannelIterator<T>(*this);
}

}  // namespace colibri
