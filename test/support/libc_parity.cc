#include "test/support/libc_parity.h"

#include <gtest/gtest.h>
#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <ostream>

#include "colibri/core/coroutine.h"
#include "colibri/core/run.h"
#include "test/support/leak_check.h"

namespace colibri::test {
namespace {

/// 'R' running, 'S' asleep in the kernel, and so on; 0 if the thread is gone.
char state_of_thread(int id) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/self/task/%d/stat", id);
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[256] = {};
  const ssize_t size = pread(file, text, sizeof text - 1, 0);
  real::close(file);
  const char* after_name = size > 0 ? strrchr(text, ')') : nullptr;
  return after_name != nullptr ? after_name[2] : '\0';
}

/// Overwrites what lies below on this stack.
[[gnu::noinline]] void scribble() {
  volatile unsigned char bytes[16 * 1024];
  for (volatile unsigned char& byte : bytes) byte = 0xdb;
}

void pause_thread() {
  const timespec pause{0, 200'000};
  real::nanosleep(&pause, nullptr);
}

}  // namespace

void until_asleep(int thread) {
  // Asleep twice: one sleep may be that of a lock or a page fault.
  for (int seen = 0; seen < 2; seen = state_of_thread(thread) == 'S' ? seen + 1 : 0) pause_thread();
}

Session::Session(Way way, const SharedStackGroup* stacks)
    : libc(way == Way::kLibcInThread ? real_libc() : hooked_libc()),
      way_(way),
      stacks_(stacks),
      thread_(pthread_self()),
      thread_id_(gettid()),
      coroutine_(thread_state.current) {}

Session::~Session() {
  finish_helpers();
  for (const int descriptor : owned_) libc.close(descriptor);
}

void Session::note(const std::string& text) {
  if (!trace_.empty()) trace_ += ", ";
  trace_ += text;
}

void Session::note_result(long result, int error) {
  note(std::to_string(result));
  if (result == -1) {
    const char* name = strerrorname_np(error);
    append(name != nullptr ? name : "without errno");
  } else if (error != kCanary) {
    append(std::string("but errno became ") + strerrorname_np(error));
  }
}

void Session::until_waiting() {
  if (in_coroutine()) {
    do {
      thread_state.scheduler->yield_to_loop();
    } while (coroutine_->state != CoroutineState::kParked);
    return;
  }
  until_asleep(thread_id_);
}

void Session::meanwhile(std::function<void()> action) {
  auto help = [this, action = std::move(action)] {
    until_waiting();
    // Where the flow lay: a call that writes there while its caller is elsewhere is found out.
    if (stacks_ != nullptr) scribble();
    action();
  };
  if (in_coroutine()) {
    helper_coroutines_.push_back(spawn({.shared_stacks = stacks_}, std::move(help)));
  } else {
    helper_threads_.emplace_back(std::move(help));
  }
}

void Session::finish_helpers() {
  for (auto& helper : helper_threads_) helper.join();
  for (auto& helper : helper_coroutines_) helper.join();
  helper_threads_.clear();
  helper_coroutines_.clear();
}

void Session::raise_there(int signal) {
  pthread_kill(thread_, signal);
}

int Session::own(int descriptor) {
  EXPECT_GE(descriptor, 0) << "a test could not make its descriptor: " << strerror(errno);
  const std::lock_guard guard(owned_lock_);
  owned_.push_back(descriptor);
  return descriptor;
}

void Session::close(int descriptor) {
  {
    const std::lock_guard guard(owned_lock_);
    std::erase(owned_, descriptor);
  }
  libc.close(descriptor);
}

void run_on_shared_stack(const std::function<void(Session&)>& body) {
  const SharedStackGroup stacks(1);
  // Resumed by main, and not spawned: signals interrupt only who acts for main.
  Coroutine flow(
      [&body, &stacks] {
        const auto session = std::make_unique<Session>(Way::kHookOnSharedStack, &stacks);
        body(*session);
        session->finish_helpers();
      },
      {.shared_stacks = &stacks});
  flow.resume();
}

void expect_parity(const ParityCase& parity) {
  if (const char* reason = parity.missing != nullptr ? parity.missing() : nullptr) {
    GTEST_SKIP() << reason;
  }
  const auto act_in = [&](Session& session) {
    parity.act(session);
    session.finish_helpers();
    return session.trace();
  };
  const auto run_in = [&](Way way) {
    Session session(way);
    return act_in(session);
  };
  const auto run_in_thread = [&](Way way) {
    const LeakCheck leaks;
    std::string trace;
    std::thread([&] { trace = run_in(way); }).join();
    return trace;
  };
  EXPECT_EQ(run_in_thread(Way::kLibcInThread), parity.expected) << "libc in a thread";
  EXPECT_EQ(run_in_thread(Way::kHookInThread), parity.expected) << "hook in a thread";
  const LeakCheck leaks;
  EXPECT_EQ(run([&] { return run_in(Way::kHookInCoroutine); }), parity.expected)
      << "hook in a coroutine";
  std::string trace;
  run([&] { run_on_shared_stack([&](Session& session) { trace = act_in(session); }); });
  EXPECT_EQ(trace, parity.expected) << "hook in a coroutine on a shared stack";
}

void PrintTo(const ParityCase& parity, std::ostream* out) {
  *out << parity.name << ", expects \"" << parity.expected << '"';
}

}  // namespace colibri::test
