#include "colibri/core/alternate_stack.h"

#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include <cstddef>

#include "colibri/core/kept_in_exit.h"
#include "colibri/core/libc.h"

namespace colibri {
namespace {

// Handlers of the program may run there, too, with all that they call.
constexpr std::size_t kBytes = 64 * 1024;
constexpr std::size_t kGuardBytes = 4096;
constexpr unsigned long kAtMinSigStackSize = 51;  // AT_MINSIGSTKSZ; not in every libc's headers

/// What a handler of ours takes above the kernel's frame, generously; what takes more runs on a
/// stack of its own.
constexpr std::size_t kHandlerBytes = 2048;

class AlternateStack {
 public:
  AlternateStack() noexcept {
    stack_t present{};
    if (real::sigaltstack(nullptr, &present) != 0 || suffices(present)) return;
    void* base = mmap(nullptr, kGuardBytes + kBytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (base == MAP_FAILED) return;
    mprotect(base, kGuardBytes, PROT_NONE);
    base_ = static_cast<std::byte*>(base);
    stack_t ours{};
    ours.ss_sp = base_ + kGuardBytes;
    ours.ss_size = kBytes;
    if (real::sigaltstack(&ours, nullptr) == 0) own_alternate_stack = ours;
  }

  ~AlternateStack() {
    if (base_ == nullptr) return;
    own_alternate_stack = stack_t{};
    stack_t present{};
    real::sigaltstack(nullptr, &present);
    if (present.ss_sp == base_ + kGuardBytes) {
      present.ss_flags = SS_DISABLE;
      // Refused while a handler runs on it: then it must stay.
      if (real::sigaltstack(&present, nullptr) != 0) return;
    }
    munmap(base_, kGuardBytes + kBytes);
  }

  AlternateStack(const AlternateStack&) = delete;
  AlternateStack& operator=(const AlternateStack&) = delete;

 private:
  static bool suffices(const stack_t& present) noexcept {
    return (present.ss_flags & SS_DISABLE) == 0 &&
           present.ss_size >= getauxval(kAtMinSigStackSize) + kHandlerBytes;
  }

  std::byte* base_ = nullptr;
};

}  // namespace

void ensure_alternate_stack() noexcept {
  [[maybe_unused]] static thread_local const KeptInExit<AlternateStack> stack;
}

}  // namespace colibri
