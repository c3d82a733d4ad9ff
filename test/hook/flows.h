// Coroutines of several schedulers and plain threads, for tests of what both can wait for.
#pragma once

#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "colibri/core/run.h"
#include "colibri/core/task.h"

namespace colibri::test {

/// A kind of flow: how to run something in one of its own.
struct FlowKind {
  const char* name;
  std::thread (*start)(std::function<void()>);
};

inline constexpr FlowKind kFlowKinds[] = {
    {"Coroutine",
     [](std::function<void()> body) { return std::thread([body] { run([&] { body(); }); }); }},
    {"Thread", [](std::function<void()> body) { return std::thread(body); }},
};

/// Returns once another thread has set `flag`.
inline void until_true(const std::atomic<bool>& flag) {
  while (!flag) usleep(100);
}

inline constexpr int kFlows = 6;  // two schedulers with two coroutines each, and two plain threads

/// Runs `body` in all flows at once, and waits for their end.
inline void everywhere(const std::function<void()>& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      run([&] {
        auto other = spawn([&] { body(); });
        body();
        other.join();
      });
    });
    threads.emplace_back(body);
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace colibri::test
