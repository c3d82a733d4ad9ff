#include "colibri/core/coroutine_exit.h"

#include <setjmp.h>
#include <unwind.h>

#include <cstdint>
#include <new>
#include <utility>

#include "colibri/core/check.h"
#include "colibri/core/libc.h"
#include "colibri/core/shared_stack.h"
#include "colibri/core/specific_values.h"
#include "colibri/core/thread_state.h"

namespace colibri {
namespace {

constinit RealFunction real_siglongjmp{"siglongjmp", ::siglongjmp};

/// Set for the moment between the end of the way and the destruction of its exception.
constinit thread_local bool at_entry = false;

// In the slot of the coroutine, which is not on its stack: frames are gone when it is needed.
_Unwind_Exception* exception_of(const ControlBlock& coroutine) noexcept {
  return static_cast<_Unwind_Exception*>(specific_value(coroutine, kExitSlot));
}

__pthread_unwind_buf_t* last_cleanup(const ControlBlock& coroutine) noexcept {
  return static_cast<__pthread_unwind_buf_t*>(specific_value(coroutine, kCleanupSlot));
}

/// Called when a handler is left without throwing again.
void end_exception(_Unwind_Reason_Code /*reason*/, _Unwind_Exception* exception) {
  check(std::exchange(at_entry, false),
        "pthread_exit in a coroutine: a `catch (...)` on the way did not rethrow; add `throw;`, or "
        "a handler for abi::__forced_unwind that does");
  thread_state.shared_stacks->memory().free(exception);
}

/// Asked before each frame that is to be unwound.
_Unwind_Reason_Code pass_frame(int /*version*/, _Unwind_Action actions,
                               _Unwind_Exception_Class /*of*/, _Unwind_Exception* /*exception*/,
                               _Unwind_Context* context, void* /*given*/) {
  // The frame's lower end lies above the buffer: the one that has the handler is the last, or was
  // before that. Nothing above it has been touched.
  __pthread_unwind_buf_t* cleanup = last_cleanup(*thread_state.current);
  if (cleanup != nullptr && _Unwind_GetCFA(context) > reinterpret_cast<std::uintptr_t>(cleanup)) {
    real_siglongjmp(reinterpret_cast<__jmp_buf_tag*>(cleanup->__cancel_jmp_buf), 1);
  }
  check((static_cast<unsigned>(actions) & _UA_END_OF_STACK) == 0,
        "pthread_exit in a coroutine: a function on its stack cannot be unwound; build it with "
        "-fasynchronous-unwind-tables");
  return _URC_NO_REASON;
}

[[noreturn]] void unwind(_Unwind_Exception* exception) {
  _Unwind_ForcedUnwind(exception, &pass_frame, nullptr);
  fail("pthread_exit in a coroutine: its stack cannot be unwound");
}

}  // namespace

void exit_coroutine() {
  ControlBlock& self = *thread_state.current;
  static_assert(sizeof(_Unwind_Exception) % 16 == 0, "slabs align to 16 what is a multiple of it");
  void* memory = thread_state.shared_stacks->memory().allocate(sizeof(_Unwind_Exception));
  check(memory != nullptr, "pthread_exit in a coroutine: no memory");
  auto* exception = ::new (memory) _Unwind_Exception{};
  exception->exception_cleanup = &end_exception;
  check(set_specific_value(self, kExitSlot, exception), "pthread_exit in a coroutine: no memory");
  unwind(exception);
}

void arrive_at_entry() noexcept {
  at_entry = true;
  // Each `throw;` on the way has counted it once more as uncaught, and no handler counts back what
  // is not C++'s own. The thread's next flow must not inherit that.
  ExceptionState::of_thread()->uncaught = 0;
}

void add_cleanup(__pthread_unwind_buf_t* buffer) noexcept {
  ControlBlock& self = *thread_state.current;
  buffer->__pad[0] = last_cleanup(self);
  // Without memory the handler is not called at the end; there is nobody to be told of it.
  set_specific_value(self, kCleanupSlot, buffer);
}

void remove_cleanup(const __pthread_unwind_buf_t* buffer) noexcept {
  ControlBlock& self = *thread_state.current;
  if (last_cleanup(self) == buffer) set_specific_value(self, kCleanupSlot, buffer->__pad[0]);
}

void unwind_next(const __pthread_unwind_buf_t* buffer) {
  remove_cleanup(buffer);
  unwind(exception_of(*thread_state.current));
}

}  // namespace colibri
