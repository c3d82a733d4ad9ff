// longjmp and its kind: only to know that a signal handler may have been left.
#include <setjmp.h>

#include "colibri/core/libc.h"
#include "colibri/hook/handler_scope.h"

namespace colibri {
namespace {

using Jump = void(__jmp_buf_tag*, int);

/// Never returns.
[[noreturn]] void jump(const RealFunction<Jump>& real_jump, __jmp_buf_tag* target, int value) {
  note_jump(target);
  real_jump(target, value);
  __builtin_unreachable();
}

constexpr RealFunction<Jump>::Pointer kDeclaration = nullptr;
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
