// Parity: one test body, run on libc's own functions in a plain thread, on the hooks in a plain
// thread, and on the hooks in a coroutine, on a private stack and on a shared one. What it notes
// must be the same four times: results, errno and data.
#pragma once

#include <cerrno>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "colibri/core/shared_stack.h"
#include "colibri/core/task.h"
#include "test/support/libc_functions.h"

namespace colibri::test {

enum class Way { kLibcInThread, kHookInThread, kHookInCoroutine, kHookOnSharedStack };

/// One run of a test's body. Notes what calls return, as text that tables can hold: "5 hello",
/// "0", "-1 EAGAIN", joined by ", ". Belongs to the flow (thread or coroutine) that made it, but
/// for what is said below. On a shared stack the flow and its helpers are all on the same one:
/// helpers may refer to the session, but to nothing in the flow's frames.
class Session {
 public:
  /// In a coroutine on a shared stack, `stacks` is its group, and the session lies elsewhere.
  explicit Session(Way way, const SharedStackGroup* stacks = nullptr);
  /// Waits for helpers, and closes what is owned.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  const Libc& libc;  // helpers may use it

  bool in_coroutine() const noexcept { return way_ >= Way::kHookInCoroutine; }

  /// Calls, with errno as a canary, and notes the result.
  template <class Result, class... Parameters>
  Result call(Result (*function)(Parameters...), std::type_identity_t<Parameters>... arguments) {
    errno = kCanary;
    const Result result = function(arguments...);
    note_result(static_cast<long>(result), errno);
    return result;
  }
  /// The same for what is not one function.
  template <class Function>
  auto measure(Function function) {
    errno = kCanary;
    const auto result = function();
    note_result(static_cast<long>(result), errno);
    return result;
  }
  /// libc's function `name`, or the hook, as this run wants it: for those that Libc does not list.
  template <class Function>
  Function* either(const char* name, Function* hooked) const {
    return way_ == Way::kLibcInThread ? reinterpret_cast<Function*>(require_real_function(name))
                                      : hooked;
  }
  /// Notes `text` as an item of its own.
  void note(const std::string& text);
  /// Adds `text` to the last item.
  void append(const std::string& text) { trace_ += " " + text; }
  /// Notes `name` if `value` is true, else "not " and `name`.
  void note_if(bool value, const std::string& name) { note(value ? name : "not " + name); }

  /// Runs `action` on a helper (a thread, or a coroutine) as soon as this flow waits in a call.
  /// `action` may not note.
  void meanwhile(std::function<void()> action);
  /// The same, so that what `action` does reaches this flow all at once. Only a coroutine can do it
  /// while the other waits; a thread does it before.
  void meanwhile_in_one_go(const std::function<void()>& action) {
    in_coroutine() ? meanwhile(action) : action();
  }
  /// For helpers: returns once the session's flow waits in a call (again).
  void until_waiting();
  /// Waits until all helpers have ended.
  void finish_helpers();
  /// For helpers: raises `signal` on the thread of the session's flow.
  void raise_there(int signal);

  /// Has `descriptor` closed at the end. Returns it.
  int own(int descriptor);
  /// Closes an owned descriptor now. Helpers may call it while the session's flow waits.
  void close(int descriptor);

  const std::string& trace() const noexcept { return trace_; }

 private:
  static constexpr int kCanary = 9999;

  void note_result(long result, int error);

  const Way way_;
  const SharedStackGroup* const stacks_;
  std::string trace_;
  std::mutex owned_lock_;
  std::vector<int> owned_;
  pthread_t thread_;
  int thread_id_;
  const ControlBlock* coroutine_;
  std::vector<std::thread> helper_threads_;
  std::vector<Task<void>> helper_coroutines_;
};

/// A row of a parity table. `name` consists of letters, digits and underscores.
struct ParityCase {
  std::string name;
  std::string expected;
  std::function<void(Session&)> act;
  /// Says why it cannot run here, or null if it can (see missing_calls.h).
  const char* (*missing)() = nullptr;
};

/// Calls `body` with a session in a coroutine that acts for main, on a shared stack of its own with
/// the session's helpers. To be called in main.
void run_on_shared_stack(const std::function<void(Session&)>& body);

/// Runs the case all four ways and expects the same of each; also that nothing leaks. Skips what
/// cannot run here, so it is to be the last call of its test.
void expect_parity(const ParityCase& parity);

/// Returns once the thread with this id of the kernel's sleeps.
void until_asleep(int thread);

/// For INSTANTIATE_TEST_SUITE_P, and for messages.
template <class ParamInfo>
std::string name_of_case(const ParamInfo& info) {
  return info.param.name;
}
void PrintTo(const ParityCase& parity, std::ostream* out);

/// An address that no process may read or write. (Valgrind is told so in under_valgrind.cc.)
template <class Object = void>
Object* bad_pointer() noexcept {
  return reinterpret_cast<Object*>(8);
}

}  // namespace colibri::test
