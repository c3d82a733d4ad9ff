// A test of what is written on the installed colibri, without a framework: an hour's pauses in no
// time, and every order of two coroutines. Its status says whether all was as it should be.
#include <colibri/colibri.h>
#include <colibri/testing.h>

#include <chrono>
#include <cstdio>
#include <mutex>
#include <set>
#include <string>

using std::chrono::hours;
using std::chrono::steady_clock;

/// Which of two took the lock first.
std::string first_of_two() {
  std::mutex mutex;
  std::string order;
  const auto note = [&](char name) {
    const std::lock_guard lock(mutex);
    order += name;
  };
  colibri::TaskGroup group;
  group.spawn(note, 'a');
  group.spawn(note, 'b');
  group.join();
  return order;
}

int main() {
  std::set<std::string> orders;
  colibri::testing::for_each_seed(100, [&] {
    const auto start = steady_clock::now();
    colibri::sleep_for(hours(1));
    orders.insert(first_of_two());
    return steady_clock::now() - start >= hours(1);
  });
  std::printf("%zu orders\n", orders.size());
  return orders.size() == 2 ? 0 : 1;
}
