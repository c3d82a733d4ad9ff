#include "colibri/hook/threads/emulated_thread.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

#include "colibri/core/check.h"
#include "colibri/core/launch.h"
#include "colibri/core/parking_lot.h"
#include "colibri/core/waited_thing.h"
#include "colibri/hook/key_rules.h"
#include "colibri/hook/threads/cancellation.h"
#include "colibri/hook/threads/pending_signals.h"
#include "colibri/hook/threads/signal_masks.h"

namespace colibri {
namespace {

constexpr std::size_t kMostThreads = std::size_t{1} << 20;
/// Beyond all numbers of the kernel's threads (4,194,304), and below the bits that futexes of libc
/// keep for themselves.
constexpr pid_t kFirstNumber = 1 << 29;

constexpr ParkedThing kOthersEnd{"the end of the other threads"};
constinit RealFunction real_pthread_self{"pthread_self", ::pthread_self};

struct Table {
  std::atomic<EmulatedThread*> records{nullptr};
  std::atomic<bool> on{false};
  std::atomic<std::size_t> running{0};  // but for main
  bool stacks_are_chosen = false;
  pthread_t main_id = 0;
  EmulatedThread main;

  SmallLock lock;           // over what follows
  std::size_t touched = 0;  // records that were ever in use
  EmulatedThread* free = nullptr;
};
constinit Table table;

std::size_t index_of(const EmulatedThread& thread) noexcept {
  return static_cast<std::size_t>(&thread - table.records.load(std::memory_order_relaxed));
}

EmulatedThread* take_record() noexcept {
  const SmallLockGuard guard(table.lock);
  EmulatedThread* record = table.free;
  if (record != nullptr) {
    table.free = record->next_free;
  } else if (table.touched < kMostThreads) {
    record = table.records.load(std::memory_order_relaxed) + table.touched++;
  }
  return record;
}

/// In the child of a fork, where the thread that forked is alone. Records of the others are lost:
/// an id of one must not come to stand for a new thread.
void forget_others() noexcept {
  if (!table.on.load(std::memory_order_relaxed)) return;
  EmulatedThread* const self = EmulatedThread::current();
  ::new (&table.lock) SmallLock;
  EmulatedThread* const records = table.records.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < table.touched; ++i) {
    ::new (&records[i].lock) SmallLock;
    if (&records[i] != self) records[i].state.store(EmulatedThread::State::kFree);
  }
  ::new (&table.main.lock) SmallLock;
  if (&table.main != self) table.main.state.store(EmulatedThread::State::kFree);
  table.running.store(self == nullptr || self == &table.main ? 0 : 1);
  pending_signals::forget_all();
  if (self != nullptr) {
    self->signals.pending.store(0);
    self->signals.first = nullptr;
  }
  signal_masks::keep_in_child(self);
}

}  // namespace

EmulatedThread* EmulatedThread::find(pthread_t id) noexcept {
  EmulatedThread* const records = table.records.load(std::memory_order_relaxed);
  const std::uintptr_t distance = id - reinterpret_cast<std::uintptr_t>(records);
  if (records != nullptr && distance < kMostThreads * sizeof(EmulatedThread) &&
      distance % sizeof(EmulatedThread) == 0) {
    return records + distance / sizeof(EmulatedThread);
  }
  return emulated_threads::are_on() && id == table.main_id ? &table.main : nullptr;
}

pthread_t EmulatedThread::id() const noexcept {
  return this == &table.main ? table.main_id : reinterpret_cast<pthread_t>(this);
}

pid_t EmulatedThread::number() const noexcept {
  return this == &table.main ? getpid() : kFirstNumber + static_cast<pid_t>(index_of(*this));
}

void emulated_threads::begin(bool stacks_are_chosen) noexcept {
  if (table.records.load() == nullptr) {
    void* memory = mmap(nullptr, kMostThreads * sizeof(EmulatedThread), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    check(memory != MAP_FAILED, "threads as coroutines: no address space for their records");
    table.records.store(static_cast<EmulatedThread*>(memory));
    check(pthread_atfork(nullptr, nullptr, &forget_others) == 0,
          "threads as coroutines: no memory to follow forks");
  }
  CoroutineExtras* extras = extras_of(*thread_state.current);
  check(extras != nullptr, "threads as coroutines: no memory");
  ::new (&table.main) EmulatedThread;
  table.main.state.store(EmulatedThread::State::kRunning);
  table.main.coroutine = thread_state.current;
  table.main_id = real_pthread_self();
  table.stacks_are_chosen = stacks_are_chosen;
  extras->thread = &table.main;
  signal_masks::begin(table.main);
  key_rules::give_early_keys_to_coroutines();
  table.on.store(true);
  threads_can_be_cancelled.store(true);
}

void emulated_threads::end() noexcept {
  check(table.running.load() == 0, "threads as coroutines: some have not ended");
  table.main.coroutine->extras->thread = nullptr;
  table.on.store(false);
}

bool emulated_threads::are_on() noexcept {
  return table.on.load(std::memory_order_relaxed);
}

bool emulated_threads::stacks_are_chosen() noexcept {
  return table.stacks_are_chosen;
}

EmulatedThread* emulated_threads::acquire() noexcept {
  EmulatedThread* record = take_record();
  if (record == nullptr) return nullptr;
  ::new (record) EmulatedThread;
  record->state.store(EmulatedThread::State::kRunning);
  table.running.fetch_add(1);
  return record;
}

void emulated_threads::release(EmulatedThread& thread) noexcept {
  thread.state.store(EmulatedThread::State::kFree);
  if (&thread == &table.main) return;
  const SmallLockGuard guard(table.lock);
  thread.next_free = table.free;
  table.free = &thread;
}

EmulatedThread* emulated_threads::main_thread() noexcept {
  const bool runs = are_on() && table.main.state.load() == EmulatedThread::State::kRunning;
  return runs ? &table.main : nullptr;
}

void emulated_threads::for_each(const std::function<void(EmulatedThread&)>& visit) {
  EmulatedThread* const records = table.records.load(std::memory_order_relaxed);
  if (table.main.state.load() == EmulatedThread::State::kRunning) visit(table.main);
  for (std::size_t i = 0; i < table.touched; ++i) {
    if (records[i].state.load() == EmulatedThread::State::kRunning) visit(records[i]);
  }
}

void emulated_threads::count_end(const EmulatedThread& thread) noexcept {
  if (&thread == &table.main) return;
  if (table.running.fetch_sub(1) == 1) ParkingLot::wake_all(&table.running, [] {});
}

bool emulated_threads::is_alone() noexcept {
  return table.running.load() == 0;
}

void emulated_threads::until_alone() noexcept {
  while (table.running.load() != 0) {
    WaitPlace* place =
        ParkingLot::join(&table.running, true, 0, [] { return table.running.load() != 0; });
    if (place == nullptr) return;
    place->parked_at = &kOthersEnd;
    ParkingLot::wait(*place, {.may_fail = false}, [] {});
  }
}

}  // namespace colibri
