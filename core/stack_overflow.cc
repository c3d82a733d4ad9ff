#include "colibri/core/stack_overflow.h"

#include <sys/auxv.h>

#include <cstring>

#include "colibri/core/context.h"
#include "colibri/core/crash_backtrace.h"
#include "colibri/core/crash_report.h"
#include "colibri/core/stack_of.h"
#include "colibri/core/thread_state.h"

namespace colibri {
namespace {

constexpr unsigned long kAtMinSigStackSize = 51;  // AT_MINSIGSTKSZ; not in every libc's headers
// Code that makes room may touch it before it moves the stack pointer.
constexpr std::uintptr_t kReach = 4096;

struct Report {
  const ControlBlock* coroutine = nullptr;
  bool by_signal_frame = false;
  int signal = 0;
  const void* context = nullptr;
  StackPointer handler = nullptr;
};

/// Whose stack `address` overflows.
const ControlBlock* find_coroutine(const std::byte* address) noexcept {
  const ControlBlock* current = thread_state.current;
  if (current == nullptr) return nullptr;
  const PrivateStack& stack = stack_of(*current);
  if (address < stack.low && address >= stack.low - kGuardBytes) {
    return current;
  }
  // In the midst of a switch, the one that leaves is not current any more.
  PrivateStack* other = thread_stack_pool().owner_of_guard(address);
  return other != nullptr ? user_of(*other) : nullptr;
}

/// The coroutine that a signal came to while its stack had no room for the handler's frame: the
/// kernel then sends SIGSEGV, without an address.
const ControlBlock* find_without_room_for_frame(const siginfo_t& fault,
                                                const void* context) noexcept {
  // The kernel steps over the red zone, and aligns.
  const std::uintptr_t frame = getauxval(kAtMinSigStackSize) + 256;
  const ControlBlock* current = thread_state.current;
  if (fault.si_signo != SIGSEGV || fault.si_code != SI_KERNEL || current == nullptr ||
      interrupted_by_malformed_address(context)) {
    return nullptr;
  }
  const auto low = reinterpret_cast<std::uintptr_t>(stack_of(*current).low);
  const std::uintptr_t stack_pointer = interrupted_stack_pointer(context);
  return stack_pointer >= low && stack_pointer < low + frame ? current : nullptr;
}

/// Whose stack overflowed, and how; nobody's if the fault is another.
Report examine(const siginfo_t& fault, const void* context) noexcept {
  if (fault.si_code <= 0) return {};
  if (const ControlBlock* coroutine = find_without_room_for_frame(fault, context)) {
    return {coroutine, true, fault.si_signo, context, nullptr};
  }
  const auto* address = static_cast<const std::byte*>(fault.si_addr);
  const std::uintptr_t stack_pointer = interrupted_stack_pointer(context);
  if (stack_pointer > reinterpret_cast<std::uintptr_t>(address) + kReach) return {};
  return {find_coroutine(address), false, fault.si_signo, context, nullptr};
}

void write_advice(SignalText& text, const ControlBlock& coroutine, std::size_t bytes) noexcept {
  if (bytes >= kLargestStackBytes) {
    text.add("there are no larger ones: put less on it");
  } else if (std::strcmp(coroutine.name(), "main") == 0) {
    text.add("set RunOptions::main_stack_bytes to ").add_size(2 * bytes).add(" or more");
  } else {
    text.add("spawn it with a stack of ").add_size(2 * bytes).add(" or more");
  }
}

/// Runs on the report's own stack, and returns to the handler.
StackPointer write_report(void* argument) {
  const Report& report = *static_cast<const Report*>(argument);
  const ControlBlock& coroutine = *report.coroutine;
  const std::size_t bytes = stack_bytes_of_class(stack_of(coroutine).size_class);
  SignalText text;
  text.add("colibri: ");
  add_coroutine(text, coroutine);
  if (report.by_signal_frame) {
    text.add(" had no room for a signal handler's frame on its ").add_size(bytes);
    text.add(" stack; install the handler with SA_ONSTACK, or ");
  } else {
    text.add(" overflowed its ").add_size(bytes).add(" stack; ");
  }
  write_advice(text, coroutine, bytes);
  text.add("\n").write();
  write_crash_backtrace(report.context);
  return report.handler;
}

}  // namespace

bool report_stack_overflow(const siginfo_t& fault, const void* context) noexcept {
  Report report = examine(fault, context);
  return report.coroutine != nullptr &&
         write_crash_report(report.signal, report.handler, &write_report, &report);
}

}  // namespace colibri
