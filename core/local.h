// CoroutineLocal<T>: what thread_local is for threads.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "colibri/core/thread_state.h"

namespace colibri {

/// One value of one coroutine or thread. They form a list, the newest first.
class LocalValue {
 public:
  explicit LocalValue(std::uint64_t key) noexcept : key_(key) {}
  virtual ~LocalValue() = default;
  LocalValue(const LocalValue&) = delete;
  LocalValue& operator=(const LocalValue&) = delete;

  /// What a new coroutine gets that is spawned by the one this belongs to; null: nothing.
  virtual LocalValue* inherited() const { return nullptr; }

 private:
  friend LocalValue* find_local(std::uint64_t key);
  friend void add_local(LocalValue* value) noexcept;
  friend void inherit_locals(ControlBlock& child) noexcept;
  friend void destroy_locals(LocalValue*& list) noexcept;

  std::uint64_t key_;
  LocalValue* older_ = nullptr;
};

/// A number that nobody had before. Any thread.
std::uint64_t new_local_key() noexcept;
/// The running coroutine's or thread's value with this key; null if it has none. Throws
/// std::bad_alloc.
LocalValue* find_local(std::uint64_t key);
/// Takes ownership. To be called after find_local has found nothing.
void add_local(LocalValue* value) noexcept;

/// Whether a new coroutine begins with a copy of its spawner's value.
enum class Inheritance { kNone, kCopy };

/// A variable of which each coroutine has its own, and each plain thread, too. A coroutine's value
/// is made at its first use, lies in the heap, and is destroyed at the coroutine's end, the newest
/// first, on the coroutine's own stack. Any thread; the object itself must outlive its uses, and is
/// usually static.
///
/// With Inheritance::kCopy, a coroutine spawned by one that has a value begins with a copy of it,
/// made at the spawn; an exception from that copy ends the process.
template <class T>
class CoroutineLocal {
 public:
  /// Each value begins as T().
  explicit CoroutineLocal(Inheritance inheritance = Inheritance::kNone)
      : CoroutineLocal([] { return T(); }, inheritance) {}
  /// Each begins as what `make` returns, which is called in the coroutine that uses it.
  explicit CoroutineLocal(std::function<T()> make, Inheritance inheritance = Inheritance::kNone)
      : make_(std::move(make)), inheritance_(inheritance) {}
  CoroutineLocal(const CoroutineLocal&) = delete;
  CoroutineLocal& operator=(const CoroutineLocal&) = delete;

  /// The running coroutine's value, or the plain thread's. The reference is good until its end.
  /// Throws what making the value throws.
  T& get() {
    if (LocalValue* value = find_local(key_)) return static_cast<Value*>(value)->value;
    auto made = std::make_unique<Value>(key_, make_(), inheritance_);
    T& result = made->value;
    add_local(made.release());
    return result;
  }
  /// As get().
  T& operator*() { return get(); }
  T* operator->() { return &get(); }

 private:
  struct Value final : LocalValue {
    Value(std::uint64_t key, T&& initial, Inheritance how)
        : LocalValue(key), own_key(key), inheritance(how), value(std::move(initial)) {}
    LocalValue* inherited() const override {
      if constexpr (std::copy_constructible<T>) {
        if (inheritance == Inheritance::kCopy) return new Value(own_key, T(value), inheritance);
      }
      return nullptr;
    }
    std::uint64_t own_key;
    Inheritance inheritance;
    T value;
  };

  const std::uint64_t key_ = new_local_key();
  std::function<T()> make_;
  Inheritance inheritance_;
};

/// For the makers of coroutines. Gives `child` what it inherits from the running coroutine, which
/// has locals.
void inherit_locals(ControlBlock& child) noexcept;
/// Destroys the values of a coroutine or thread that ends, and those that their destructors make.
void destroy_locals(LocalValue*& list) noexcept;

}  // namespace colibri
