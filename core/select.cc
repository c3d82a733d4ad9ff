#include "colibri/core/select.h"

#include <algorithm>
#include <functional>
#include <optional>

namespace colibri {
namespace {

/// The locks of all cases, taken in the order of their addresses, so that two selects cannot each
/// hold what the other wants. Two cases may share one.
class LockSet {
 public:
  /// `storage`: for as many locks as there are cases.
  LockSet(std::span<SelectCase* const> cases, BiasedLock** storage) noexcept : locks_(storage) {
    for (SelectCase* each : cases) {
      BiasedLock* lock = each->lock();
      if (lock != nullptr && !each->left_out) insert(lock);
    }
  }

  void lock() noexcept {
    biased_ = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      if (locks_[i]->lock()) biased_ |= std::uint64_t{1} << i;
    }
  }

  void unlock() noexcept {
    for (std::size_t i = size_; i-- > 0;) locks_[i]->unlock((biased_ >> i & 1) != 0);
  }

 private:
  void insert(BiasedLock* lock) noexcept {
    std::size_t place = size_;
    while (place > 0 && std::less<>()(lock, locks_[place - 1])) --place;
    if (place > 0 && locks_[place - 1] == lock) return;
    std::copy_backward(locks_ + place, locks_ + size_, locks_ + size_ + 1);
    locks_[place] = lock;
    ++size_;
  }

  std::size_t size_ = 0;
  std::uint64_t biased_ = 0;  // a bit a lock
  BiasedLock** locks_;
};

constinit thread_local std::uint32_t random_state = 2463534242;  // never 0

/// Where to start looking, so that each case has its turn.
std::size_t next_start(std::size_t count) noexcept {
  std::uint32_t state = random_state;
  state ^= state << 13;  // Marsaglia, "Xorshift RNGs" (2003)
  state ^= state >> 17;
  state ^= state << 5;
  random_state = state;
  return static_cast<std::size_t>(std::uint64_t{state} * count >> 32);
}

/// One run of select_among.
class Selection {
 public:
  Selection(std::span<SelectCase* const> cases, BiasedLock** lock_storage) noexcept
      : cases_(cases), locks_(cases, lock_storage) {}

  /// The index of the case that has gone ahead; nothing if its channel turned out to be closed, so
  /// that another round is due.
  std::optional<std::size_t> once() {
    locks_.lock();
    const std::size_t ready = try_all();
    if (ready != kNothingSelected || default_ != kNothingSelected || !waits_for_anything()) {
      locks_.unlock();
      if (to_wake_ != nullptr) to_wake_->waiter->wake();
      return ready != kNothingSelected ? ready : default_;
    }
    return wait();
  }

 private:
  std::size_t try_all() noexcept {
    const std::size_t start = next_start(cases_.size());
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      const std::size_t index = start + i < cases_.size() ? start + i : start + i - cases_.size();
      SelectCase& each = *cases_[index];
      if (each.is_default()) default_ = index;
      if (each.left_out || !each.needs_others()) continue;
      const Transfer result = each.try_locked(to_wake_);
      if (result == Transfer::kDone) return index;
      each.left_out = result == Transfer::kClosed;
    }
    return kNothingSelected;
  }

  bool waits_for_anything() const noexcept {
    return std::any_of(cases_.begin(), cases_.end(), [](const SelectCase* each) {
      return !each->left_out && (each->needs_others() || !each->deadline().is_never());
    });
  }

  /// The locks are held, and released by the return.
  std::optional<std::size_t> wait() {
    Waiter& waiter = Waiter::begin();
    join_all(waiter);
    locks_.unlock();
    std::size_t timed = 0;
    for (std::size_t i = 1; i < cases_.size(); ++i) {
      if (cases_[i]->deadline() < cases_[timed]->deadline()) timed = i;
    }
    WakeReason reason = waiter.wait({.deadline = cases_[timed]->deadline()});
    if (reason != WakeReason::kFired && !waiter.give_up()) {
      waiter.await_wake();
      reason = WakeReason::kFired;
    }
    const std::size_t winner =
        reason == WakeReason::kFired ? std::size_t{waiter.winner()} : kNothingSelected;
    waiter.forget_places();
    const Transfer result = leave_all(winner);
    if (reason == WakeReason::kTimeout) return timed;
    throw_if_failed(reason, "colibri::select");
    if (result == Transfer::kDone) return winner;
    cases_[winner]->left_out = true;
    return std::nullopt;
  }

  void join_all(Waiter& waiter) {
    waiter.expect_several();
    try {
      for (std::size_t i = 0; i < cases_.size(); ++i) {
        if (!cases_[i]->left_out) cases_[i]->prepare_locked(waiter, static_cast<std::uint32_t>(i));
      }
    } catch (...) {
      for (SelectCase* each : cases_) each->leave_locked(false);
      locks_.unlock();
      throw;
    }
    for (SelectCase* each : cases_) {
      if (!each->left_out) each->join_locked();
    }
  }

  /// What became of the winner.
  Transfer leave_all(std::size_t winner) noexcept {
    Transfer result = Transfer::kMustWait;
    locks_.lock();
    for (std::size_t i = 0; i < cases_.size(); ++i) {
      const Transfer left = cases_[i]->leave_locked(i == winner);
      if (i == winner) result = left;
    }
    locks_.unlock();
    return result;
  }

  std::span<SelectCase* const> cases_;
  LockSet locks_;
  WaitPlace* to_wake_ = nullptr;
  std::size_t default_ = kNothingSelected;
};

}  // namespace

void seed_select(std::uint32_t seed) noexcept {
  random_state = seed | 1;
}

std::size_t select_among(std::span<SelectCase* const> cases, BiasedLock** lock_storage) {
  begin_call("colibri::select");
  std::optional<std::size_t> selected;
  do {
    selected = Selection(cases, lock_storage).once();
  } while (!selected.has_value());
  if (*selected != kNothingSelected) cases[*selected]->run();
  return *selected;
}

}  // namespace colibri
