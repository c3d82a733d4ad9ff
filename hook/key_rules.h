// Whose are the values of a key of pthread_key_create: the thread's, or each coroutine's own?
//
// A coroutine is a thread to the code in it, so its values are its own. But some code means the
// thread and nothing else: an allocator's cache, torn down by a coroutine's end, would be gone
// under the feet of all others. So a key is the thread's if
//
//   - an allocator, a sanitizer, an unwinder, libc or libstdc++ made it;
//   - the executable made it before the first coroutine: among what is linked into it there may be
//     an allocator, whose key is made at the first malloc, and nothing tells it from the rest;
//   - the first value that is set is the address of a thread_local variable; or
//   - a value is set from within the allocation that setting another one makes: only an allocator
//     gets there.
//
// The second rule does not hold where threads are coroutines, which need values of their own: the
// executable's early keys are looked at again then, unless it has an allocator in it.
//
// It is not for shared libraries, either: each is known for what it is, by name or by its
// malloc. So OpenSSL's error queue is the coroutine's, whether its key was made in the executable's
// main, before the first coroutine, or later.
//
//   unknown ──made, and one of the rules holds──▶ kThread
//   unknown ──made otherwise──▶ kUndecided
//   kUndecided ──the first value is set: an address of thread-local storage──▶ kThread
//   kUndecided ──the first value is set: any other──▶ kCoroutine
//   kThread, by the second rule ──threads are to be coroutines──▶ kUndecided; kCoroutine if main
//   has a value kUndecided, kCoroutine ──an allocator is found out, or the program says so──▶
//   kThread kUndecided, kCoroutine, kThread ──the program says so──▶ kForced
#pragma once

#include <pthread.h>

namespace colibri::key_rules {

// All functions may be called by any thread and any coroutine. A number that is no key of ours,
// since it was made behind the hooks' back or is out of range, is taken for the thread's.

/// libc has made `key` for code at `creator`.
void made(pthread_key_t key, void (*destructor)(void*), const void* creator) noexcept;

/// The program is about to delete `key`. False if it is none of ours.
bool forget(pthread_key_t key) noexcept;

/// True if the running coroutine has a value of its own.
bool is_of_coroutines(pthread_key_t key) noexcept;

/// The same, for a value that is about to be set.
bool is_of_coroutines(pthread_key_t key, const void* value) noexcept;

/// From now on its values are the threads'; false if it is none of ours. Coroutines no longer see
/// what they have set, but their destructors are still called.
bool keep_in_thread(pthread_key_t key) noexcept;

/// From now on each coroutine has a value of its own, null to begin with, whatever is set; false if
/// the key is none of ours.
bool give_to_coroutines(pthread_key_t key) noexcept;

/// Main, the running coroutine, is the first of threads that are coroutines: the second rule no
/// longer holds. What the thread has set for such keys, main has from now on.
void give_early_keys_to_coroutines() noexcept;

}  // namespace colibri::key_rules
