// What AddressSanitizer, ThreadSanitizer and Valgrind must be told about stacks and switches: the
// only #ifs on them, and on the kind of build. Without them everything here is empty and costs
// nothing.
#pragma once

#include <atomic>
#include <cstddef>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define COLIBRI_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COLIBRI_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define COLIBRI_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COLIBRI_TSAN 1
#endif
#endif
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define COLIBRI_VALGRIND 1
#endif

#ifdef COLIBRI_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#include <sanitizer/lsan_interface.h>
#endif
#ifdef COLIBRI_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace colibri {

#if defined(NDEBUG)
inline constexpr bool kDebugBuild = false;
#else
inline constexpr bool kDebugBuild = true;
#endif
#if defined(COLIBRI_ASAN)
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif
#if defined(COLIBRI_TSAN)
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif

/// Whether Valgrind runs the process. Asked once: what Valgrind is to be told costs some ten
/// instructions and 64 bytes of the caller's frame otherwise, also where nobody listens.
#ifdef COLIBRI_VALGRIND
inline const bool kRunsOnValgrind = [] { return RUNNING_ON_VALGRIND != 0; }();

[[gnu::noinline, gnu::cold]] inline void tell_valgrind_undefined(void* low,
                                                                 std::size_t size) noexcept {
  VALGRIND_MAKE_MEM_UNDEFINED(low, size);
}
[[gnu::noinline, gnu::cold]] inline void tell_valgrind_defined(void* low,
                                                               std::size_t size) noexcept {
  VALGRIND_MAKE_MEM_DEFINED(low, size);
}
[[gnu::noinline, gnu::cold]] inline void tell_valgrind_written(void* low,
                                                               std::size_t size) noexcept {
  VALGRIND_MAKE_MEM_DEFINED_IF_ADDRESSABLE(low, size);
}

/// What was given to keep_for_good, as Valgrind finds it: newest first.
struct KeptForGood {
  const void* object;
  const KeptForGood* next;
};
inline constinit std::atomic<const KeptForGood*> kept_for_good{nullptr};

[[gnu::noinline, gnu::cold]] inline void show_to_valgrind(const void* object) noexcept {
  auto* kept = new (std::nothrow) KeptForGood{object, kept_for_good.load()};
  while (kept != nullptr && !kept_for_good.compare_exchange_weak(kept->next, kept)) {
  }
}
#else
inline constexpr bool kRunsOnValgrind = false;
inline void tell_valgrind_undefined(void* /*low*/, std::size_t /*size*/) noexcept {}
inline void tell_valgrind_defined(void* /*low*/, std::size_t /*size*/) noexcept {}
inline void tell_valgrind_written(void* /*low*/, std::size_t /*size*/) noexcept {}
inline void show_to_valgrind(const void* /*object*/) noexcept {}
#endif

/// Valgrind looks for no leaks when this process ends.
inline void stop_leak_check() noexcept {
#ifdef COLIBRI_VALGRIND
  VALGRIND_CLO_CHANGE("--leak-check=no");
#endif
}

/// The kernel wrote there by a call of which Valgrind takes no notice.
inline void note_written(void* low, std::size_t size) noexcept {
  if (kRunsOnValgrind) [[unlikely]]
    tell_valgrind_written(low, size);
}

/// What the sanitizers know of one flow of control. Calls must come in the order: the leaving flow
/// calls before_switch; the arriving one calls after_switch as the first thing it does.
class SanitizerFlow {
 public:
  /// For a flow on a stack of ours, from `low`, `size` bytes. The thread's own flow needs no call.
  void start([[maybe_unused]] const void* low, [[maybe_unused]] std::size_t size) noexcept {
#ifdef COLIBRI_ASAN
    low_ = low;
    size_ = size;
#endif
#ifdef COLIBRI_TSAN
    fiber_ = __tsan_create_fiber(0);
#endif
  }

  /// For a flow that was started and will never run.
  void discard() noexcept {
#ifdef COLIBRI_TSAN
    if (fiber_ != nullptr) __tsan_destroy_fiber(fiber_);
    fiber_ = nullptr;
#endif
  }

  /// This flow gives way to `target`; with `last` it will never run again.
  void before_switch([[maybe_unused]] SanitizerFlow& target, [[maybe_unused]] bool last) noexcept {
#ifdef COLIBRI_ASAN
    __sanitizer_start_switch_fiber(last ? nullptr : &fake_stack_, target.low_, target.size_);
    previous_ = this;
#endif
#ifdef COLIBRI_TSAN
    if (fiber_ == nullptr) fiber_ = __tsan_get_current_fiber();
    if (last) ended_fiber_ = fiber_;
    __tsan_switch_to_fiber(target.fiber_, 0);
#endif
  }

  /// This flow runs, for the first time or again.
  void after_switch() noexcept {
#ifdef COLIBRI_ASAN
    const void* low = nullptr;
    std::size_t size = 0;
    __sanitizer_finish_switch_fiber(fake_stack_, &low, &size);
    // The bounds of the thread's own stack are learnt from its first departure.
    if (previous_ != nullptr && previous_->low_ == nullptr) {
      previous_->low_ = low;
      previous_->size_ = size;
    }
#endif
#ifdef COLIBRI_TSAN
    // A fiber cannot be destroyed while it runs; the next flow does it.
    if (ended_fiber_ != nullptr) __tsan_destroy_fiber(ended_fiber_);
    ended_fiber_ = nullptr;
#endif
  }

 private:
#ifdef COLIBRI_ASAN
  inline static thread_local SanitizerFlow* previous_ = nullptr;
  const void* low_ = nullptr;
  std::size_t size_ = 0;
  void* fake_stack_ = nullptr;
#endif
#ifdef COLIBRI_TSAN
  inline static thread_local void* ended_fiber_ = nullptr;
  void* fiber_ = nullptr;
#endif
};

#if defined(COLIBRI_ASAN) || defined(COLIBRI_TSAN)
/// A copy that no sanitizer sees, neither as instrumented code nor as a call of memcpy. Sizes of
/// stacks are multiples of eight.
__attribute__((no_sanitize("address", "thread"))) inline void copy_unchecked(
    void* to, const void* from, std::size_t size) noexcept {
  auto* target = static_cast<volatile unsigned long*>(to);
  const auto* source = static_cast<const volatile unsigned long*>(from);
  for (std::size_t i = 0; i < size / sizeof(unsigned long); ++i) target[i] = source[i];
}
#endif

/// A heap object that stays until the process ends, on purpose, with nobody who knows of it.
inline void keep_for_good([[maybe_unused]] const void* object) noexcept {
#ifdef COLIBRI_ASAN
  if (object != nullptr) __lsan_ignore_object(object);
#endif
  if (kRunsOnValgrind) [[unlikely]]
    show_to_valgrind(object);
}

/// Whether mapped stacks are made known to anybody.
inline bool registers_stacks() noexcept {
  return kAddressSanitizer || kRunsOnValgrind;
}

/// A stack was mapped, from `low`, `size` bytes. What only it points to is no leak. The result is
/// for unregister_stack.
inline unsigned register_stack([[maybe_unused]] std::byte* low,
                               [[maybe_unused]] std::size_t size) noexcept {
#ifdef COLIBRI_ASAN
  __lsan_register_root_region(low, size);
#endif
#ifdef COLIBRI_VALGRIND
  return static_cast<unsigned>(VALGRIND_STACK_REGISTER(low, low + size));
#else
  return 0;
#endif
}

/// It is about to be unmapped. Valgrind must not take a part of what lies there next for a stack.
inline void unregister_stack([[maybe_unused]] const std::byte* low,
                             [[maybe_unused]] std::size_t size,
                             [[maybe_unused]] unsigned id) noexcept {
#ifdef COLIBRI_ASAN
  __lsan_unregister_root_region(low, size);
#endif
#ifdef COLIBRI_VALGRIND
  VALGRIND_STACK_DEREGISTER(id);
#endif
}

/// Memory was mapped that may hold saved stacks: what only it points to is no leak.
inline void register_memory([[maybe_unused]] const std::byte* low,
                            [[maybe_unused]] std::size_t size) noexcept {
#ifdef COLIBRI_ASAN
  __lsan_register_root_region(low, size);
#endif
}

/// It is about to be unmapped.
inline void unregister_memory([[maybe_unused]] const std::byte* low,
                              [[maybe_unused]] std::size_t size) noexcept {
#ifdef COLIBRI_ASAN
  __lsan_unregister_root_region(low, size);
#endif
}

/// Copies the bytes of a stack, whose red zones the sanitizers would not let pass.
inline void copy_stack_bytes(void* to, const void* from, std::size_t size) noexcept {
#if defined(COLIBRI_ASAN) || defined(COLIBRI_TSAN)
  copy_unchecked(to, from, size);
#else
  __builtin_memcpy(to, from, size);
#endif
}

/// A stack will be used by a new flow: what the last one left in it says nothing any more.
inline void renew_stack([[maybe_unused]] void* low, [[maybe_unused]] std::size_t size) noexcept {
#ifdef COLIBRI_ASAN
  __asan_unpoison_memory_region(low, size);
#endif
  // Above what the last flow had in use, Valgrind takes the stack for unaddressable.
  if (kRunsOnValgrind) [[unlikely]]
    tell_valgrind_undefined(low, size);
}

/// What lies below all that a suspended flow has in use on its stack will be used by another one.
inline void lend_stack([[maybe_unused]] void* low, [[maybe_unused]] std::size_t size) noexcept {
  // Valgrind takes it for unaddressable, and does not see that it becomes a frame again.
  if (kRunsOnValgrind) [[unlikely]]
    tell_valgrind_undefined(low, size);
}

}  // namespace colibri
