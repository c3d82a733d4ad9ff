#include "colibri/core/checked_stacks.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>

#include "colibri/core/log.h"
#include "colibri/core/sanitizer.h"
#include "colibri/core/small_lock.h"

namespace colibri {
namespace {

enum class Wish { kUnknown, kChecked, kUnchecked };
constinit std::atomic<Wish> wish{Wish::kUnknown};

constinit SmallLock tables_lock;
constinit CheckedStacks* tables = nullptr;

bool wish_of_environment() {
  const char* value = std::getenv("COLIBRI_CHECK");
  const std::string_view text = value == nullptr ? "" : value;
  if (text == "shared") return true;
  if (text == "none") return false;
  if (text.empty()) return kDebugBuild && !kAddressSanitizer && !kThreadSanitizer;
  throw std::invalid_argument("COLIBRI_CHECK is \"" + std::string(text) +
                              "\"; write \"shared\" or \"none\"");
}

/// What lies at the top of a range, on a page that stays accessible.
struct CheckedTop {
  ControlBlock* user;  // null: nobody's
  bool open;
};

CheckedTop& top_record(PrivateStack& stack) noexcept {
  return *(static_cast<CheckedTop*>(stack.top()) - 1);
}

std::size_t page_bytes() noexcept {
  static const auto bytes = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return bytes;
}

/// The end of what is made inaccessible.
std::byte* high_end(PrivateStack& stack) noexcept {
  const auto record = reinterpret_cast<std::uintptr_t>(&top_record(stack));
  return reinterpret_cast<std::byte*>(record & ~(page_bytes() - 1));
}

bool protect(PrivateStack& stack, int protection) noexcept {
  const int saved_errno = errno;
  const auto bytes = static_cast<std::size_t>(high_end(stack) - stack.low);
  const bool done = mprotect(stack.low, bytes, protection) == 0;
  errno = saved_errno;
  return done;
}

void say_that_one_stays_open() noexcept {
  static constinit std::atomic<bool> said{false};
  if (said.exchange(true)) return;
  log(LogLevel::kWarning,
      "some shared stacks are not checked: the process has too many mappings; "
      "raise vm.max_map_count, or have fewer coroutines");
}

}  // namespace

bool shared_stacks_are_checked() {
  Wish now = wish.load(std::memory_order_relaxed);
  if (now == Wish::kUnknown) {
    now = wish_of_environment() ? Wish::kChecked : Wish::kUnchecked;
    wish.store(now, std::memory_order_relaxed);
  }
  return now == Wish::kChecked;
}

void check_shared_stacks(bool on) noexcept {
  wish.store(on ? Wish::kChecked : Wish::kUnchecked, std::memory_order_relaxed);
}

CheckedStacks::CheckedStacks() {
  const SmallLockGuard guard(tables_lock);
  next_ = tables;
  tables = this;
}

CheckedStacks::~CheckedStacks() {
  const SmallLockGuard guard(tables_lock);
  CheckedStacks** link = &tables;
  while (*link != this) link = &(*link)->next_;
  *link = next_;
}

void CheckedStacks::place(ControlBlock& coroutine, std::size_t bytes) {
  PrivateStack* stack = pool_.acquire(bytes);
  renew_stack(stack->low, stack->usable_bytes());
  ::new (&top_record(*stack)) CheckedTop{&coroutine, true};
  coroutine.extras->checked_stack = stack;
}

void CheckedStacks::release(ControlBlock& coroutine) noexcept {
  PrivateStack& stack = stack_of(coroutine);
  const bool usable = is_open(coroutine) || open(coroutine);
  top_record(stack) = {nullptr, true};
  // One that cannot be opened is of no use to anybody.
  if (usable) pool_.release(&stack);
}

void* CheckedStacks::top_of(const ControlBlock& coroutine) noexcept {
  return high_end(stack_of(coroutine));
}

bool CheckedStacks::is_open(const ControlBlock& coroutine) noexcept {
  return top_record(stack_of(coroutine)).open;
}

bool CheckedStacks::open(ControlBlock& coroutine) noexcept {
  PrivateStack& stack = stack_of(coroutine);
  CheckedTop& record = top_record(stack);
  if (!record.open) record.open = protect(stack, PROT_READ | PROT_WRITE);
  return record.open;
}

void CheckedStacks::close(ControlBlock& coroutine) noexcept {
  PrivateStack& stack = stack_of(coroutine);
  top_record(stack).open = !protect(stack, PROT_NONE);
  if (top_record(stack).open) [[unlikely]]
    say_that_one_stays_open();
}

ControlBlock* CheckedStacks::user_of(PrivateStack& memory) const noexcept {
  return pool_.owner_of(memory.low) == &memory ? top_record(memory).user : nullptr;
}

ControlBlock* CheckedStacks::find_closed(const void* address) const noexcept {
  PrivateStack* stack = pool_.owner_of(address);
  if (stack == nullptr) return nullptr;
  const CheckedTop& record = top_record(*stack);
  const bool within = address >= stack->low && address < high_end(*stack);
  return within && !record.open ? record.user : nullptr;
}

ControlBlock* CheckedStacks::owner_of_closed(const void* address) noexcept {
  for (const CheckedStacks* each = tables; each != nullptr; each = each->next_) {
    if (ControlBlock* owner = each->find_closed(address)) return owner;
  }
  return nullptr;
}

}  // namespace colibri
