// ValueCoroutine<Out, In>: resume and yield with values, as in Lua.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "colibri/core/check.h"
#include "colibri/core/coroutine.h"

namespace colibri {

/// A Coroutine whose resume hands a value of type In to the body and returns what the body yields
/// or, at its end, returns. Callable, so that it passes for a function with a memory. Otherwise
/// like Coroutine, its errors and its sentences included. Out and In need only be movable.
template <class Out, class In>
class ValueCoroutine {
  struct Exchange;

 public:
  /// Given to the body: `yield(value)` suspends it, and returns what the next resume hands in.
  class Yield {
   public:
    In operator()(Out value) {
      exchange_.out.emplace(std::move(value));
      Coroutine::yield();
      return take(exchange_.in);
    }

   private:
    friend class ValueCoroutine;
    explicit Yield(Exchange& exchange) : exchange_(exchange) {}
    Exchange& exchange_;
  };

  /// The first resume will call `body(yield, value)`.
  template <class Body>
  explicit ValueCoroutine(Body&& body, const SpawnOptions& options = {})
      : exchange_(std::make_unique<Exchange>()),
        coroutine_(
            [exchange = exchange_.get(),
             body = std::decay_t<Body>(std::forward<Body>(body))]() mutable {
              Yield yield(*exchange);
              exchange->out.emplace(std::invoke(body, yield, take(exchange->in)));
            },
            options) {
    static_assert(std::is_invocable_r_v<Out, std::decay_t<Body>&, Yield&, In>,
                  "the body of a ValueCoroutine<Out, In> is called as body(yield, In), and returns "
                  "an Out");
  }

  /// Runs the body until it yields or returns; rethrows what it throws.
  Out resume(In value) {
    exchange_->in.emplace(std::move(value));
    coroutine_.resume();
    return take(exchange_->out);
  }
  Out operator()(In value) { return resume(std::move(value)); }

  /// As those of Coroutine.
  bool done() const noexcept { return coroutine_.done(); }
  CoroutineState state() const noexcept { return coroutine_.state(); }
  void close() noexcept { coroutine_.close(); }

 private:
  /// In the heap: neither side touches the other's stack.
  struct Exchange {
    std::optional<In> in;
    std::optional<Out> out;
  };

  template <class T>
  static T take(std::optional<T>& place) {
    check(place.has_value(),
          "a coroutine with values was yielded without one: its body called Coroutine::yield");
    T value(std::move(*place));
    place.reset();
    return value;
  }

  std::unique_ptr<Exchange> exchange_;
  Coroutine coroutine_;
};

}  // namespace colibri
