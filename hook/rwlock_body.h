// What we make of a pthread_rwlock_t: a lock that coroutines and threads can hold and wait for. As
// with mutexes (mutex_body.h), it is ours in every thread, and libc's where several processes share
// it.
//
// One word says who holds it and who waits:
//
//   readers           how many hold it
//   granted readers   how many were woken with it in their hands, and have not run yet
//   kWriter           one holds it
//   kWriterGranted    one was woken with it in its hands, and has not run yet
//   kReaderWaiting    a reader stands in the parking lot
//   kWriterWaiting    a writer does
//
// Who is granted the lock turns that into holding it as soon as he runs. In the child of a fork
// those who are not there never do: grants of an earlier generation (parking_lot.h) are void.
//
// Whoever releases it last serves those who wait, in the order of the queue: the first, and if that
// is a reader, all readers. Readers are granted it; a writer competes with newcomers until it has
// lost its patience (patience.h). Readers who come while readers hold it go in, also past waiting
// writers, so that they may lock it recursively; but not where the kind prefers writers and says
// that nobody does (PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP).
#pragma once

#include <pthread.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "colibri/core/parking_lot.h"
#include "colibri/core/waited_thing.h"
#include "colibri/hook/point_in_time.h"

namespace colibri {

/// Any coroutine and any thread. Methods return 0 or an error, as libc's functions do, and leave
/// errno alone.
class RwlockBody {
 public:
  enum class Access { kRead, kWrite };

  static RwlockBody& of(pthread_rwlock_t* lock) noexcept {
    return *reinterpret_cast<RwlockBody*>(lock);
  }

  /// False: several processes share it, and it is libc's.
  bool is_ours() const noexcept { return shared_ == 0; }

  /// A fresh one, whatever was there.
  void init(int kind) noexcept;

  /// Waits for it, for code at `caller`. Not ended by cancel or a TimeLimit. EDEADLK if the caller
  /// holds it as a writer, EAGAIN for too many readers.
  template <Access access>
  int lock(const void* caller) noexcept {
    return try_fast<access>() ? 0 : lock_slowly(access, PointInTime::never(), false, caller);
  }
  /// The same; ETIMEDOUT when `until` or a TimeLimit is over, ECANCELED in a cancelled coroutine.
  template <Access access>
  int lock_until(const PointInTime& until, const void* caller) noexcept {
    if (!until.is_valid()) return EINVAL;
    return try_fast<access>() ? 0 : lock_slowly(access, until, true, caller);
  }
  template <Access access>
  int try_lock() noexcept {
    return try_fast<access>() || try_take(access) ? 0 : EBUSY;
  }
  int unlock() noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    const bool writes = (word & kWriter) != 0;
    if (writes) writer_.store(kNobody, std::memory_order_relaxed);
    // Readers alone, or a writer alone, and nobody waits.
    if (word - 1 < kReaders || word == kWriter) {
      const std::uint64_t rest = writes ? 0 : word - 1;
      if (word_.compare_exchange_strong(word, rest, std::memory_order_release,
                                        std::memory_order_relaxed)) {
        return 0;
      }
    }
    unlock_slowly(writes ? kWriter : 1);
    return 0;
  }

 private:
  static constexpr std::uint64_t kReaders = 0xffffff;
  static constexpr std::uint64_t kOneGranted = kReaders + 1;
  static constexpr std::uint64_t kReadersGranted = kReaders * kOneGranted;
  static constexpr std::uint64_t kWriter = std::uint64_t{1} << 48;
  static constexpr std::uint64_t kWriterGranted = std::uint64_t{1} << 49;
  static constexpr std::uint64_t kReaderWaiting = std::uint64_t{1} << 50;
  static constexpr std::uint64_t kWriterWaiting = std::uint64_t{1} << 51;
  static constexpr std::uint64_t kWaiting = kReaderWaiting | kWriterWaiting;
  static constexpr std::uint64_t kGranted = kReadersGranted | kWriterGranted;
  static constexpr std::uint64_t kHeld = kReaders | kWriter | kGranted;
  static constexpr std::uint64_t kNobody = 0;
  static constexpr std::uint32_t kWrites = ParkingLot::kOfObject;  // of a place in the queue

  /// What the next in the queue are given.
  struct Service;

  /// Takes it if nobody waits and nobody but readers hold it.
  template <Access access>
  bool try_fast() noexcept {
    std::uint64_t word = word_.load(std::memory_order_relaxed);
    const bool open = access == Access::kRead ? word < kReaders : word == 0;
    if (!open ||
        !word_.compare_exchange_strong(word, word + holder(access), std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
      return false;
    }
    if constexpr (access == Access::kWrite) become_writer();
    return true;
  }

  static constexpr std::uint64_t holder(Access access) noexcept {
    return access == Access::kRead ? 1 : kWriter;
  }
  static constexpr std::uint64_t readers_of(std::uint64_t word) noexcept {
    return (word & kReaders) + (word & kReadersGranted) / kOneGranted;
  }
  bool prefers_writers() const noexcept {
    return flags_ == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP;
  }
  static std::uintptr_t owner_at(const void* address) noexcept;
  static constexpr ParkedThing kThing{"pthread rwlock", &owner_at};
  void become_writer() noexcept;
  bool is_own(std::uint64_t word) const noexcept;
  bool is_open(std::uint64_t word, Access access) const noexcept;
  bool try_take(Access access) noexcept;
  bool must_wait(Access access) noexcept;
  int lock_slowly(Access access, const PointInTime& until, bool may_fail,
                  const void* caller) noexcept;
  void take_grant(Access access) noexcept;
  void unlock_slowly(std::uint64_t holder) noexcept;
  void serve(std::uint64_t released) noexcept;
  static void pass_on(WaitPlace& place) noexcept;
  Service plan_service(std::uint64_t word, WaitPlace* first) const noexcept;
  std::uint64_t load_without_lost() noexcept;
  bool has_lost(std::uint64_t word) const noexcept;
  void drop_lost() noexcept;

  std::atomic<std::uint64_t> word_;
  std::atomic<std::uint64_t> writer_;      // who holds it; see current_flow
  std::atomic<std::uint32_t> handed_in_;   // the generation of what is granted
  [[maybe_unused]] std::uint32_t unused_;  // libc's writer
  [[maybe_unused]] std::uint32_t reserved_;
  int shared_;
  [[maybe_unused]] std::uint64_t more_unused_[2];
  std::uint32_t flags_;

  static void check_layout() noexcept;
};

}  // namespace colibri
