// longjmp and its kind: only to know that a signal handler may have been left, and
// that a thread's mask is restored.
#include <setjmp.h>

#include <cstring>

#include "colibri/core/libc.h"
#include "colibri/hook/handler_scope.h"
#include "colibri/hook/threads/signal_delivery.h"
#include "colibri/hook/threads/signal_masks.h"

namespace colibri {
namespace {

using JumpCall = void(__jmp_buf_tag*, int);

/// libc itself is about to restore the mask that sigsetjmp has saved.
void note_mask(const __jmp_buf_tag& target) noexcept {
  EmulatedThread* const self = EmulatedThread::current();
  if (self == nullptr) return;
  SignalBits mask;
  std::memcpy(&mask, &target.__saved_mask, sizeof mask);
  signal_masks::note(*self, mask);
}

/// Never returns.
[[noreturn]] void jump(const RealFunction<JumpCall>& real_jump, __jmp_buf_tag* target, int value) {
  const Jump kind = note_jump(target);
  if (kind == Jump::kOutOfHandler) signal_delivery::leave_handler();
  if (kind != Jump::kWithinHandler && target->__mask_was_saved != 0) note_mask(*target);
  real_jump(target, value);
  __builtin_unreachable();
}

constexpr RealFunction<JumpCall>::Pointer kDeclaration = nullptr;
constinit RealFunction real_longjmp{"longjmp", kDeclaration};
constinit RealFunction real_plain_longjmp{"_longjmp", kDeclaration};
constinit RealFunction real_siglongjmp{"siglongjmp", kDeclaration};
constinit RealFunction real_checked_longjmp{"__longjmp_chk", kDeclaration};

}  // namespace

void find_jumps() noexcept {
  for (const auto* each :
       {&real_longjmp, &real_plain_longjmp, &real_siglongjmp, &real_checked_longjmp}) {
    each->find();
  }
}

}  // namespace colibri

using namespace colibri;

extern "C" {

void longjmp(__jmp_buf_tag* target, int value) noexcept {
  jump(real_longjmp, target, value);
}

void _longjmp(__jmp_buf_tag* target, int value) noexcept {
  jump(real_plain_longjmp, target, value);
}

void siglongjmp(__jmp_buf_tag* target, int value) noexcept {
  jump(real_siglongjmp, target, value);
}

[[noreturn]] void __longjmp_chk(__jmp_buf_tag* target, int value) noexcept {
  jump(real_checked_longjmp, target, value);
}

}  // extern "C"
