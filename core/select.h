// select: waits for several channels at once.
//
//   colibri::select(colibri::on_receive(numbers, [&](int number) { use(number); }),
//                   colibri::on_send(results, result, [&] { ++sent; }),
//                   colibri::on_timeout(1s, [&] { ping(); }));
#pragma once

#include <chrono>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "colibri/core/channel.h"
#include "colibri/core/select_case.h"

namespace colibri {

/// The part of a case on a channel that does not depend on what is sent which way. Handles of the
/// caller's are not copied, which would count in locked instructions once there is a second thread.
template <class T>
class ChannelCase : public SelectCase {
 public:
  BiasedLock* lock() noexcept final { return &state_->lock; }
  void prepare_locked(Waiter& waiter, std::uint32_t index) final {
    slot_ = &state_->take_slot_locked(waiter);
    slot_->index = index;
    slot_->one_of_several = true;
  }

 protected:
  ChannelCase(const Channel<T>& channel, WaitQueue ChannelState<T>::*queue)
      : state_(channel.state_.get()), queue_((*state_).*queue) {}

  void join_queue_locked() noexcept { slot_->waiter->join(*slot_, queue_, state_->lock); }
  void leave_queue_locked() noexcept {
    if (slot_->queued) queue_.remove(*slot_);
  }

  ChannelState<T>* state_;
  WaitQueue& queue_;
  ChannelSlot<T>* slot_ = nullptr;  // during a wait
};

template <class T, class Function>
class ReceiveCase final : public ChannelCase<T> {
 public:
  ReceiveCase(const Channel<T>& channel, Function function)
      : ChannelCase<T>(channel, &ChannelState<T>::receivers), function_(std::move(function)) {}

  Transfer try_locked(WaitPlace*& to_wake) noexcept override {
    return as_wanted(this->state_->try_receive_locked(value_, to_wake));
  }
  void join_locked() noexcept override { this->join_queue_locked(); }
  Transfer leave_locked(bool won) noexcept override {
    if (this->slot_ == nullptr) return Transfer::kMustWait;
    this->leave_queue_locked();
    if (this->slot_->value.has_value()) value_.emplace(std::move(*this->slot_->value));
    this->state_->put_back_locked(*std::exchange(this->slot_, nullptr));
    if (!won) return Transfer::kMustWait;
    return value_.has_value() ? Transfer::kDone : as_wanted(Transfer::kClosed);
  }
  void run() override {
    if constexpr (kHearsOfTheEnd) {
      std::invoke(function_, std::move(value_));
    } else {
      std::invoke(function_, std::move(*value_));
    }
  }

 private:
  static constexpr bool kHearsOfTheEnd = std::invocable<Function&, std::optional<T>>;
  static_assert(kHearsOfTheEnd || std::invocable<Function&, T>,
                "the function of on_receive takes what the channel carries");

  /// The end of a channel is an event for functions that take an optional, and none for others.
  static Transfer as_wanted(Transfer result) noexcept {
    return kHearsOfTheEnd && result == Transfer::kClosed ? Transfer::kDone : result;
  }

  Function function_;
  std::optional<T> value_;
};

/// Value: T, or T& for one that lies with the caller.
template <class T, class Value, class Function>
class SendCase final : public ChannelCase<T> {
 public:
  SendCase(const Channel<T>& channel, Value&& value, Function function)
      : ChannelCase<T>(channel, &ChannelState<T>::senders),
        value_(std::forward<Value>(value)),
        function_(std::move(function)) {}

  Transfer try_locked(WaitPlace*& to_wake) noexcept override {
    return this->state_->try_send_locked(value_, to_wake);
  }
  void join_locked() noexcept override {
    this->slot_->value.emplace(std::move(value_));
    this->join_queue_locked();
  }
  Transfer leave_locked(bool won) noexcept override {
    if (this->slot_ == nullptr) return Transfer::kMustWait;
    this->leave_queue_locked();
    const bool kept = this->slot_->value.has_value();
    if (kept) value_ = std::move(*this->slot_->value);
    this->state_->put_back_locked(*std::exchange(this->slot_, nullptr));
    if (!won) return Transfer::kMustWait;
    return kept ? Transfer::kClosed : Transfer::kDone;
  }
  void run() override { std::invoke(function_); }

 private:
  Value value_;
  Function function_;
};

template <class Function>
class TimeoutCase final : public SelectCase {
 public:
  TimeoutCase(Deadline deadline, Function function)
      : deadline_(deadline), function_(std::move(function)) {}
  Deadline deadline() const noexcept override { return deadline_; }
  bool needs_others() const noexcept override { return false; }
  void run() override { std::invoke(function_); }

 private:
  Deadline deadline_;
  Function function_;
};

template <class Function>
class OtherwiseCase final : public SelectCase {
 public:
  explicit OtherwiseCase(Function function) : function_(std::move(function)) {}
  bool is_default() const noexcept override { return true; }
  bool needs_others() const noexcept override { return false; }
  void run() override { std::invoke(function_); }

 private:
  Function function_;
};

/// A case for select: receives from `channel` and calls `function(value)`. A function that can take
/// std::optional<T> is also called at the end of the channel, with nothing; for others, a channel
/// that has ended is left out. `channel` must outlive the select, as a temporary in its call does.
template <class T, class Function>
ReceiveCase<T, Function> on_receive(const Channel<T>& channel, Function function) {
  return {channel, std::move(function)};
}

/// A case for select: sends `value`, which is moved from only if this case is the one, and calls
/// `function()`. A closed channel is left out. `channel` and `value` must outlive the select, as
/// temporaries in its call do.
template <class T, class Function>
SendCase<T, T&, Function> on_send(const Channel<T>& channel, std::type_identity_t<T>&& value,
                                  Function function) {
  return {channel, value, std::move(function)};
}
/// The same with a copy.
template <class T, class Function>
SendCase<T, T, Function> on_send(const Channel<T>& channel, const std::type_identity_t<T>& value,
                                 Function function) {
  return {channel, T(value), std::move(function)};
}

/// A case for select: goes ahead at `deadline` if no other did before, and calls `function()`.
template <class Function>
TimeoutCase<Function> on_timeout(Deadline deadline, Function function) {
  return {deadline, std::move(function)};
}
template <class Function>
TimeoutCase<Function> on_timeout(std::chrono::nanoseconds duration, Function function) {
  return {Deadline::after(duration), std::move(function)};
}

/// A case for select: goes ahead when no other can at once, and calls `function()`.
template <class Function>
OtherwiseCase<Function> otherwise(Function function) {
  return OtherwiseCase<Function>(std::move(function));
}

/// Waits until one of the cases can go ahead, lets that one alone do so, calls its function outside
/// all locks, and returns its index, counted from 0; kNothingSelected if all channels are closed
/// and there is no other case. Among several that can go ahead each has the same chance. Any
/// coroutine and plain thread. Throws what the function throws, and as Channel::receive.
template <std::derived_from<SelectCase>... Cases>
std::size_t select(Cases&&... cases) {
  static_assert(sizeof...(cases) > 0, "select needs a case");
  SelectCase* const all[] = {&cases...};
  BiasedLock* locks[sizeof...(cases)];
  return select_among(all, locks);
}

}  // namespace colibri
