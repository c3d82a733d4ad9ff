#include "colibri/hook/threads/pending_signals.h"

#include <array>
#include <bit>
#include <new>

#include "colibri/core/signals_blocked.h"
#include "colibri/core/small_lock.h"

namespace colibri {

/// What came with one signal.
struct PendingSignal {
  PendingSignal* next = nullptr;
  siginfo_t info{};
};

namespace pending_signals {
namespace {

/// How many may wait at once, of all threads together.
constexpr std::size_t kMost = 4096;

/// A fixed number, since signal handlers may take none of malloc's memory.
struct Pool {
  SmallLock lock;  // over what follows, and over all lists
  std::array<PendingSignal, kMost> room;
  std::size_t touched = 0;
  PendingSignal* free = nullptr;
  std::atomic<std::size_t> used{0};
};
constinit Pool pool;

/// A handler that sends a signal must not find the lock held by what it has interrupted.
class [[nodiscard]] PoolGuard {
 private:
  const SignalsBlocked blocked_;
  const SmallLockGuard guard_{pool.lock};
};

PendingSignal* take_room() noexcept {
  PendingSignal* room = pool.free;
  if (room != nullptr) {
    pool.free = room->next;
  } else if (pool.touched < kMost) {
    room = &pool.room[pool.touched++];
  } else {
    return nullptr;
  }
  pool.used.fetch_add(1);
  return room;
}

void give_back(PendingSignal& room) noexcept {
  room.next = pool.free;
  pool.free = &room;
  pool.used.fetch_sub(1);
}

/// Takes the oldest of `signal` out of the list; null if none was kept for want of room.
PendingSignal* take_oldest(ThreadSignals& of, int signal) noexcept {
  PendingSignal** link = &of.first;
  while (*link != nullptr && (*link)->info.si_signo != signal) link = &(*link)->next;
  PendingSignal* const oldest = *link;
  if (oldest != nullptr) *link = oldest->next;
  return oldest;
}

bool has_more(const ThreadSignals& of, int signal) noexcept {
  for (const PendingSignal* each = of.first; each != nullptr; each = each->next) {
    if (each->info.si_signo == signal) return true;
  }
  return false;
}

bool take_under_lock(ThreadSignals& of, SignalBits among, siginfo_t& info) noexcept {
  const SignalBits there = of.pending.load() & among;
  if (there == 0) return false;
  const int signal = std::countr_zero(there) + 1;
  info = {};
  info.si_signo = signal;  // and SI_USER, as the kernel says where it had no room
  if (PendingSignal* const oldest = take_oldest(of, signal); oldest != nullptr) {
    info = oldest->info;
    give_back(*oldest);
  }
  if (!has_more(of, signal)) of.pending.fetch_and(~signal_bit(signal));
  return true;
}

}  // namespace

bool add(ThreadSignals& of, const siginfo_t& info) noexcept {
  const PoolGuard guard;
  const bool queues = info.si_signo >= SIGRTMIN;
  const SignalBits bit = signal_bit(info.si_signo);
  if (!queues && (of.pending.load() & bit) != 0) return true;
  PendingSignal* const room = take_room();
  if (room == nullptr && queues) return false;
  if (room != nullptr) {
    *room = {nullptr, info};
    PendingSignal** last = &of.first;
    while (*last != nullptr) last = &(*last)->next;
    *last = room;
  }
  of.pending.fetch_or(bit);
  return true;
}

bool take(ThreadSignals& of, SignalBits among, siginfo_t& info) noexcept {
  if ((of.pending.load() & among) == 0) return false;
  const PoolGuard guard;
  return take_under_lock(of, among, info);
}

void discard(ThreadSignals& of, SignalBits those) noexcept {
  if ((of.pending.load() & those) == 0) return;
  const PoolGuard guard;
  siginfo_t nobodys;
  while (take_under_lock(of, those, nobodys)) {
  }
}

bool are_there() noexcept {
  return pool.used.load(std::memory_order_relaxed) != 0;
}

void forget_all() noexcept {
  ::new (&pool.lock) SmallLock;
  pool.touched = 0;
  pool.free = nullptr;
  pool.used.store(0);
}

}  // namespace pending_signals
}  // namespace colibri
