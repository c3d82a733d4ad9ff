#include "colibri/core/stack_overflow.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstring>

#include "colibri/core/context.h"
#include "colibri/core/crash_backtrace.h"
#include "colibri/core/signal_text.h"
#include "colibri/core/stack.h"
#include "colibri/core/thread_state.h"

namespace colibri {
namespace {

// The unwinder's needs; the alternate signal stack may be the program's and small.
constexpr std::size_t kReportStackBytes = 256 * 1024;
// Code that makes room may touch it before it moves the stack pointer.
constexpr std::uintptr_t kReach = 4096;

constinit std::byte* report_stack = nullptr;
constinit std::atomic<bool> reporting{false};

struct Report {
  const ControlBlock* coroutine = nullptr;
  const void* context = nullptr;
  StackPointer handler = nullptr;
};

/// The control block of who runs on `stack`; null when nobody does.
const ControlBlock* user_of(PrivateStack& stack) noexcept {
  // new_coroutine lays it there.
  const auto* block = reinterpret_cast<const ControlBlock*>(static_cast<std::byte*>(stack.top()) -
                                                            sizeof(ControlBlock));
  return block->stack == &stack ? block : nullptr;
}

/// Whose stack `address` overflows.
const ControlBlock* find_coroutine(const std::byte* address) noexcept {
  const ControlBlock* current = thread_state.current;
  if (current == nullptr) return nullptr;
  const PrivateStack* stack = current->stack;
  if (stack != nullptr && address < stack->low && address >= stack->low - kGuardBytes) {
    return current;
  }
  // In the midst of a switch, the one that leaves is not current any more.
  PrivateStack* other = thread_stack_pool().owner_of_guard(address);
  return other != nullptr ? user_of(*other) : nullptr;
}

void write_advice(SignalText& text, const ControlBlock& coroutine, std::size_t bytes) noexcept {
  if (bytes >= kLargestStackBytes) {
    text.add("there are no larger ones: put less on it");
  } else if (std::strcmp(coroutine.name, "main") == 0) {
    text.add("set RunOptions::main_stack_bytes to ").add_size(2 * bytes).add(" or more");
  } else {
    text.add("spawn it with a stack of ").add_size(2 * bytes).add(" or more");
  }
}

/// Runs on the report's own stack, and returns to the handler.
StackPointer write_report(void* argument) {
  const Report& report = *static_cast<const Report*>(argument);
  const ControlBlock& coroutine = *report.coroutine;
  const std::size_t bytes = stack_bytes_of_class(coroutine.stack->size_class);
  SignalText text;
  text.add("colibri: coroutine ").add_number(coroutine.id);
  if (*coroutine.name != '\0') text.add(" '").add(coroutine.name).add("'");
  text.add(" spawned at ").add(coroutine.site.file).add(":").add_number(coroutine.site.line);
  text.add(" overflowed its ").add_size(bytes).add(" stack; ");
  write_advice(text, coroutine, bytes);
  text.add("\n").write();
  write_crash_backtrace(report.context);
  return report.handler;
}

}  // namespace

void prepare_overflow_report() noexcept {
  void* base = mmap(nullptr, kReportStackBytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (base != MAP_FAILED) report_stack = static_cast<std::byte*>(base);
}

bool report_stack_overflow(const siginfo_t& fault, const void* context) noexcept {
  if (fault.si_code <= 0 || report_stack == nullptr) return false;
  const auto* address = static_cast<const std::byte*>(fault.si_addr);
  const std::uintptr_t stack_pointer = interrupted_stack_pointer(context);
  if (stack_pointer > reinterpret_cast<std::uintptr_t>(address) + kReach) return false;
  Report report{find_coroutine(address), context, nullptr};
  if (report.coroutine == nullptr) return false;
  // A second thread may be here, too. The first one ends the process.
  while (reporting.exchange(true)) pause();
  StackPointer target = make_context(report_stack + kReportStackBytes, &write_report, &report);
  colibri_context_switch(&report.handler, target);
  reporting.store(false);
  return true;
}

}  // namespace colibri
