// Generator<Out, In>: a function that yields values, as in Python.
//
//   colibri::Generator<long> fibonacci() {
//     return colibri::Generator<long>([](auto& yield) {
//       for (long a = 0, b = 1;; b += std::exchange(a, b)) yield(a);
//     });
//   }
//   for (long n : fibonacci()) if (n > 1000) break; else use(n);
#pragma once

#include <concepts>
#include <cstddef>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "colibri/core/check.h"
#include "colibri/core/coroutine.h"

namespace colibri {

template <class Out, class In>
class GeneratorState;
template <class Out, class In>
class Yield;

template <class Body, class Out, class In>
concept GeneratorBody = std::invocable < std::decay_t<Body>
&, Yield<Out, In>& > ;

/// Yields values of type Out to whoever asks for them, and gets values of type In for answers, if
/// it wants any. Its body runs on a stack of its own, so it may yield from within nested and
/// recursive calls. Works in any thread, with or without a scheduler; where its body parks, the
/// consumer parks along with it.
///
/// Movable; used and destroyed on one thread only. Destroying one that has not ended unwinds its
/// stack. What the body throws comes out of the call that made it run.
template <class Out, class In = void>
class Generator {
 public:
  /// What send takes: In, or something of no use where there are no answers.
  using Answer = std::conditional_t<std::is_void_v<In>, std::byte, In>;

  /// A generator that will call `body(yield)` when the first value is asked for; `yield` is a
  /// Yield<Out, In>&. Errors as Coroutine.
  template <GeneratorBody<Out, In> Body>
  explicit Generator(Body&& body, const SpawnOptions& options = {})
      : state_(std::make_unique<GeneratorState<Out, In>>(std::forward<Body>(body), options)) {}

  /// Runs to the next yield, whose answer is missing. False if there is none: the body has ended.
  bool next() { return state_->run(); }
  /// What was yielded last. Only after a call that said there is a value.
  Out& value() noexcept { return *state_->out; }

  /// Answers the yield at which the body stands, and runs to the next. Nothing if there is none. If
  /// the body has not begun, it first runs to its first yield, and drops that value.
  std::optional<Out> send(Answer answer) requires(!std::is_void_v<In>) {
    if (!state_->begun() && !next()) return std::nullopt;
    state_->in.emplace(std::move(answer));
    return next() ? std::optional<Out>(std::move(value())) : std::nullopt;
  }

  /// Throws `error` out of the yield at which the body stands, and runs to the next one. Nothing if
  /// there is none; what the body lets pass comes out here.
  std::optional<Out> throw_into(std::exception_ptr error) {
    if (!state_->begun() || done()) {
      close();
      std::rethrow_exception(error);
    }
    state_->thrown = std::move(error);
    return next() ? std::optional<Out>(std::move(value())) : std::nullopt;
  }
  template <class Error>
  std::optional<Out> throw_into(Error error) {
    return throw_into(std::make_exception_ptr(std::move(error)));
  }

  /// Unwinds the body where it stands. From then on it has ended.
  void close() noexcept { state_->close(); }
  /// True once the body has returned, thrown or been closed.
  bool done() const noexcept { return state_->done(); }

  /// An input range of the values from here on.
  class Iterator {
   public:
    /// What the standard wants of an iterator.
    using value_type = Out;
    using difference_type = std::ptrdiff_t;
    Out& operator*() const noexcept { return *state_->out; }
    Iterator& operator++() {
      state_->run();
      return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator& iterator, std::default_sentinel_t) noexcept {
      return iterator.state_->done();
    }

   private:
    friend class Generator;
    explicit Iterator(GeneratorState<Out, In>* state) : state_(state) {}
    GeneratorState<Out, In>* state_;
  };
  /// Runs the body to its next value; then the range of all from there on.
  Iterator begin() {
    next();
    return Iterator(state_.get());
  }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  friend class Yield<Out, In>;
  std::unique_ptr<GeneratorState<Out, In>> state_;
};

/// What the body of a generator yields through. To be used by that body alone.
template <class Out, class In>
class Yield {
 public:
  /// Hands `value` to the consumer and waits to be asked for the next. Returns the consumer's
  /// answer (nothing, for In = void); ends the process with a sentence if an answer is expected and
  /// the consumer asked by next() or in a range. Throws what the consumer throws into it.
  In operator()(Out value) {
    state_.yield(std::move(value));
    if constexpr (!std::is_void_v<In>) return state_.take_answer();
  }

  /// Yields all that `inner` yields; answers and exceptions from the consumer go to it. However
  /// deep generators are nested this way, an item costs the same. Throws what `inner` throws.
  void from(Generator<Out, In> inner) { state_.delegate(*inner.state_); }

 private:
  friend class GeneratorState<Out, In>;
  explicit Yield(GeneratorState<Out, In>& state) : state_(state) {}
  GeneratorState<Out, In>& state_;
};

/// In the heap: what a generator's consumer and its body share, so that neither reads or writes the
/// other's stack.
///
/// Generators that delegate form a chain: root (the one that the consumer holds), ..., leaf (the
/// one that runs). The consumer resumes the leaf directly, and the leaf writes to the root's `out`.
template <class Out, class In>
class GeneratorState {
 public:
  using Answer = typename Generator<Out, In>::Answer;

  template <class Body>
  GeneratorState(Body&& body, const SpawnOptions& options)
      : coroutine_(
            [this, body = std::decay_t<Body>(std::forward<Body>(body))]() mutable {
              Yield<Out, In> yield(*this);
              std::invoke(body, yield);
            },
            options) {}
  GeneratorState(const GeneratorState&) = delete;
  GeneratorState& operator=(const GeneratorState&) = delete;

  bool begun() const noexcept { return coroutine_.state() != CoroutineState::kCreated; }
  bool done() const noexcept { return coroutine_.done(); }
  void close() noexcept { Coroutine(std::move(coroutine_)); }

  /// The consumer of the root: true if there is a value in `out`.
  bool run() {
    out.reset();
    GeneratorState& leaf = *leaf_;
    const bool resumed = leaf.coroutine_.resume_at_yield();
    if (resumed && out.has_value()) [[likely]]
      return true;
    return run_on(resumed ? &leaf : nullptr);
  }

  /// The body.
  void yield(Out&& value) {
    check(coroutine_.is_current(),
          "a generator's yield was called by another coroutine than its body");
    root_->out.emplace(std::move(value));
    Coroutine::yield_from(*coroutine_.block_);
    rethrow();
  }

  Answer take_answer() {
    check(root_->in.has_value(),
          "a generator that expects answers was asked for a value without one; use send()");
    Answer answer(std::move(*root_->in));
    root_->in.reset();
    return answer;
  }

  /// The body: returns when `inner` has ended.
  void delegate(GeneratorState& inner) {
    struct Restore {
      GeneratorState& self;
      ~Restore() { self.root_->leaf_ = &self; }
    } restore{*this};
    inner.parent_ = this;
    // One that has delegated already brings its chain along.
    for (GeneratorState* each = inner.leaf_; each != nullptr; each = each->parent_) {
      each->root_ = root_;
      if (each == &inner) break;
    }
    if (inner.done()) return;
    root_->leaf_ = inner.leaf_;
    Coroutine::yield();
    rethrow();
  }

  std::optional<Out> out;     // of the root
  std::optional<Answer> in;   // likewise
  std::exception_ptr thrown;  // likewise: to be thrown where the leaf goes on

 private:
  /// The rest of run: `resumed` has come back without a value, or (null) nobody has run yet.
  [[gnu::noinline]] bool run_on(GeneratorState* resumed) {
    if (resumed == nullptr && done()) return false;
    for (;; resumed = nullptr) {
      GeneratorState& leaf = resumed != nullptr ? *resumed : *leaf_;
      try {
        if (resumed == nullptr) {
          leaf.coroutine_.resume();
        } else {
          leaf.coroutine_.rethrow_if_ended();
        }
      } catch (...) {
        if (&leaf == this) throw;
        thrown = std::current_exception();
      }
      if (out.has_value()) return true;
      if (leaf.done()) {
        if (&leaf == this) return false;
        leaf_ = leaf.parent_;
      }
      // Otherwise it has delegated: go on with the new leaf.
    }
  }

  void rethrow() {
    if (root_->thrown != nullptr) [[unlikely]]
      std::rethrow_exception(std::exchange(root_->thrown, nullptr));
  }

  GeneratorState* root_ = this;
  GeneratorState* leaf_ = this;       // of the root
  GeneratorState* parent_ = nullptr;  // who delegates to this one
  Coroutine coroutine_;               // last: it refers to the others while it unwinds
};

}  // namespace colibri
