#include "colibri/core/foreign_access.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "colibri/core/bad_pointers.h"
#include "colibri/core/checked_stacks.h"
#include "colibri/core/crash_backtrace.h"
#include "colibri/core/crash_report.h"
#include "colibri/core/libc.h"
#include "colibri/core/thread_state.h"

namespace colibri {
namespace {

struct Report {
  const ControlBlock* owner;
  const void* address;
  const void* context;
  StackPointer handler = nullptr;
};

SignalText text_of(const ControlBlock& owner, const void* address, std::string_view how) noexcept {
  SignalText text;
  text.add("colibri: ");
  if (const ControlBlock* current = thread_state.current) {
    add_coroutine(text, *current);
  } else {
    text.add("code outside coroutines");
  }
  text.add(how).add_hexadecimal(reinterpret_cast<std::uintptr_t>(address));
  text.add(", which lies on the stack of ");
  add_coroutine(text, owner);
  text.add(
      ". That one is parked, and on a shared stack its variables are elsewhere: keep what several "
      "coroutines use in the heap, or spawn it with a stack_bytes of its own\n");
  return text;
}

/// Runs on the report's own stack, and returns to the handler.
StackPointer write_report(void* argument) {
  const Report& report = *static_cast<const Report*>(argument);
  text_of(*report.owner, report.address, " touched ").write();
  write_crash_backtrace(report.context);
  return report.handler;
}

void refuse(const void* address) noexcept {
  const ControlBlock* owner = CheckedStacks::owner_of_closed(address);
  if (owner == nullptr) return;
  text_of(*owner, address, " gave a system call ").write();
  std::abort();
}

/// The program's memory, as far as it can be read; the count of bytes.
template <class Value>
std::size_t copy_of(const Value* source, std::size_t count, Value* target) noexcept {
  const iovec from{const_cast<Value*>(source), count * sizeof(Value)};
  const iovec to{target, count * sizeof(Value)};
  const ssize_t bytes = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
  return bytes < 0 ? 0 : static_cast<std::size_t>(bytes) / sizeof(Value);
}

void examine_vector(const iovec* vector, std::size_t size) noexcept {
  iovec entries[64];
  const std::size_t count = copy_of(vector, std::min<std::size_t>(size, 64), entries);
  for (std::size_t i = 0; i < count; ++i) refuse(entries[i].iov_base);
}

void examine(const BadPointers& bad) noexcept {
  const int saved_errno = errno;
  for (std::size_t i = 0; i < bad.count; ++i) refuse(bad.pointers[i]);
  if (bad.vector != nullptr) examine_vector(bad.vector, bad.vector_size);
  msghdr message{};
  if (bad.message != nullptr && copy_of(bad.message, 1, &message) == 1) {
    refuse(message.msg_name);
    refuse(message.msg_control);
    refuse(message.msg_iov);
    examine_vector(message.msg_iov, message.msg_iovlen);
  }
  errno = saved_errno;
}

}  // namespace

bool report_foreign_access(const siginfo_t& fault, const void* context) noexcept {
  if (fault.si_code <= 0) return false;
  const ControlBlock* owner = CheckedStacks::owner_of_closed(fault.si_addr);
  if (owner == nullptr) return false;
  Report report{owner, fault.si_addr, context};
  return write_crash_report(fault.si_signo, report.handler, &write_report, &report);
}

void watch_bad_pointers() noexcept {
  bad_pointer_examiner.store(&examine, std::memory_order_relaxed);
}

}  // namespace colibri
