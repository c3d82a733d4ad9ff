#include "colibri/core/inspect/stack_copy.h"

#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "colibri/core/frame_walk.h"
#include "colibri/core/stack_of.h"
#include "colibri/core/unwinder.h"

namespace colibri {
namespace {

/// Copies what can be read of the bytes at `address`, from the first on: the kernel stops at a
/// guard, or at the end of a mapping. Signal handlers may call it.
std::size_t copy_readable(std::byte* to, const void* address, std::size_t size) noexcept {
  const int saved_errno = errno;
  const iovec local{to, size};
  // In pieces, since the call stops at the end of a piece; none spans two pages.
  constexpr std::size_t kPieceBytes = 4096;
  std::array<iovec, StackCopy::kMostBytes / kPieceBytes + 1> remote;
  auto* next = static_cast<std::byte*>(const_cast<void*>(address));
  std::size_t count = 0;
  for (std::size_t left = size; left != 0; ++count) {
    const std::size_t to_boundary =
        kPieceBytes - reinterpret_cast<std::uintptr_t>(next) % kPieceBytes;
    remote[count] = {next, std::min(left, to_boundary)};
    next += remote[count].iov_len;
    left -= remote[count].iov_len;
  }
  const ssize_t copied = process_vm_readv(getpid(), &local, 1, remote.data(), count, 0);
  errno = saved_errno;
  return copied > 0 ? static_cast<std::size_t>(copied) : 0;
}

void copy_from(StackCopy& copy, std::uintptr_t stack_pointer) noexcept {
  copy.low = stack_pointer;
  copy.size = copy_readable(copy.bytes.data(), reinterpret_cast<const void*>(stack_pointer),
                            StackCopy::kMostBytes);
}

#if defined(__x86_64__)
// Below the stack pointer, functions that call no others have variables.
constexpr std::uintptr_t kBelow = 128;

void set_registers(ucontext_t& context, std::uintptr_t stack_pointer,
                   std::uintptr_t instruction_pointer) noexcept {
  context.uc_mcontext.gregs[REG_RSP] = static_cast<greg_t>(stack_pointer);
  context.uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(instruction_pointer);
}
#else
constexpr std::uintptr_t kBelow = 0;

void set_registers(ucontext_t& context, std::uintptr_t stack_pointer,
                   std::uintptr_t instruction_pointer) noexcept {
  context.uc_mcontext.sp = stack_pointer;
  context.uc_mcontext.pc = instruction_pointer;
}
#endif

/// Where the bytes of a parked coroutine lie now: at home, or where they were copied.
const void* bytes_of(const ControlBlock& coroutine) noexcept {
  const bool at_home =
      !coroutine.on_shared_stack() || coroutine.direct || thread_state.shared_stacks->checking();
  return at_home ? coroutine.stack_pointer : coroutine.storage;
}

}  // namespace

void copy_interrupted(StackCopy& copy, const ucontext_t& context) noexcept {
  copy.registers = context;
  copy.interrupted = true;
  copy_from(copy, interrupted_stack_pointer(&context) - kBelow);
}

void copy_in_system_call(StackCopy& copy, std::uintptr_t stack_pointer,
                         std::uintptr_t instruction_pointer) noexcept {
  copy.registers = {};
  set_registers(copy.registers, stack_pointer, instruction_pointer);
  copy.interrupted = true;
  copy_from(copy, stack_pointer - kBelow);
}

bool copy_parked(StackCopy& copy, const ControlBlock& coroutine) noexcept {
  if (coroutine.stack_pointer == nullptr) return false;
  const auto low = reinterpret_cast<std::uintptr_t>(coroutine.stack_pointer);
  const auto top = reinterpret_cast<std::uintptr_t>(stack_of(coroutine).top());
  const std::size_t size = std::min(top - low, StackCopy::kMostBytes);
  copy.low = low;
  copy.interrupted = false;
  copy.size = copy_readable(copy.bytes.data(), bytes_of(coroutine), size);
  if (copy.size < sizeof(SavedRegisters)) return false;
  SavedRegisters saved = saved_registers(copy.bytes.data());
  // They were read in the copy; the stack pointer is to be the one at home.
  saved.stack_pointer += low - reinterpret_cast<std::uintptr_t>(copy.bytes.data());
  copy.registers = {};
  put_registers(copy.registers, saved);
  return true;
}

bool holds_word(const StackCopy& copy, std::uintptr_t value) noexcept {
  constexpr std::size_t kWord = sizeof value;
  for (std::size_t i = (0 - copy.low) % kWord; i + kWord <= copy.size; i += kWord) {
    if (std::memcmp(&copy.bytes[i], &value, kWord) == 0) return true;
  }
  return false;
}

namespace {

/// Calls `visit(cursor)` at the innermost frame of `copy`.
template <class Visit>
auto walk_with(const StackCopy& copy, Visit visit) {
  prepare_unwinder();
  const MovedStack moved(copy.low, copy.size, copy.bytes.data());
  unw_context_t context = copy.registers;
  unw_cursor_t cursor;
  const int flags = copy.interrupted ? UNW_INIT_SIGNAL_FRAME : 0;
  using Result = decltype(visit(cursor));
  return unw_init_local2(&cursor, &context, flags) == 0 ? visit(cursor) : Result();
}

}  // namespace

std::vector<std::uintptr_t> functions_of(const StackCopy& copy, std::size_t most) {
  return walk_with(copy, [most](unw_cursor_t& cursor) {
    std::vector<std::uintptr_t> functions;
    do {
      unw_proc_info_t info{};
      if (unw_get_proc_info(&cursor, &info) != 0) break;
      functions.push_back(info.start_ip);
    } while (functions.size() < most && unw_step(&cursor) > 0);
    return functions;
  });
}

Backtrace walk(const StackCopy& copy) {
  return walk_with(copy, [](unw_cursor_t& cursor) { return walk_frames(cursor); });
}

}  // namespace colibri
