#include "test/clients/crowd.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

using namespace std::chrono_literals;

bool any_ended(const std::vector<Task<void>>& clients) {
  return std::any_of(clients.begin(), clients.end(), [](const auto& task) { return task.done(); });
}

}  // namespace

void expect_crowd(const std::function<void(int)>& client, const Gate& gate) {
  run_in_scheduler([&] {
    std::vector<Task<void>> clients;
    for (int i = 0; i < kClients; ++i) clients.push_back(spawn(client, i));
    // A client that ends before the gate is open has failed, and join tells how.
    int waiting = 0;
    while ((waiting = gate.waiting()) < kClients && !any_ended(clients)) sleep_for(5ms);
    EXPECT_EQ(waiting, kClients);
    EXPECT_FALSE(any_ended(clients));
    gate.open();
    for (auto& task : clients) task.join();
  });
}

}  // namespace colibri::test
