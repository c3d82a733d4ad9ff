// The end of a coroutine from within, as pthread_exit ends a thread: its frames are unwound, so
// that C++ destructors and the cleanup handlers of C run, the innermost first.
//
// The unwinding is of the kind that the ABI calls forced, as libc's own: no handler ends it. A
// `catch (...)` is entered and has to throw again; if it does not, the process ends with a
// sentence.
#pragma once

#include <pthread.h>

#include <exception>

namespace colibri {

/// In a `catch (...)`: true if it was entered by such an end, and not by an exception of C++.
/// Nothing but `throw;` may come of it then.
///
/// A handler for abi::__forced_unwind would say the same, but binds its reference to nothing, which
/// the sanitizer for undefined behaviour reports.
inline bool is_forced_unwind() noexcept {
  return std::current_exception() == nullptr;
}

/// Ends the running coroutine, which must not be within a noexcept function; in a coroutine.
/// Who joins it gets no result.
[[noreturn]] void exit_coroutine();

/// To be called by the first function on the coroutine's stack, in its handler: the way up has come
/// to its end.
void arrive_at_entry() noexcept;

// The cleanup handlers of C code without exceptions, which pthread_cleanup_push registers. libc
// keeps a list of them for the thread, where those of several coroutines would get mixed up. In a
// coroutine.

/// `buffer` lies in the frame that has the handler, and was made by sigsetjmp.
void add_cleanup(__pthread_unwind_buf_t* buffer) noexcept;
/// Takes out the one that was added last.
void remove_cleanup(const __pthread_unwind_buf_t* buffer) noexcept;
/// A handler has run, which the unwinding jumped to: goes on with the frames above.
[[noreturn]] void unwind_next(const __pthread_unwind_buf_t* buffer);

}  // namespace colibri
