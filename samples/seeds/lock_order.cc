// Two locks taken in two orders, found by seeds.
//
//   bazel run --config=opt //samples/seeds:lock_order
//   bazel run --config=opt //samples/seeds:lock_order -- --fixed
//
// Each transfer locks the account that it takes from, and then the one that it gives to. Two that
// go opposite ways can each have the lock that the other wants; on one thread, and with locks that
// are free nearly always, that may take months to happen. Prints the first seed of a thousand that
// makes it so, who waits and where, and how to have that run again. With --fixed, prints:
//
// 1000 seeds, and no money was lost
#include <cstdio>
#include <cstring>
#include <mutex>

#include "colibri/colibri.h"
#include "colibri/testing.h"

namespace {

struct Account {
  colibri::Mutex mutex;
  int balance = 100;
};

void move_money(Account& from, Account& to, int amount) {
  from.balance -= amount;
  to.balance += amount;
}

void transfer(Account& from, Account& to, int amount, bool fixed) {
  if (fixed) {
    const std::scoped_lock both(from.mutex, to.mutex);  // backs off where the second is not free
    return move_money(from, to, amount);
  }
  const std::lock_guard lock_from(from.mutex);
  const std::lock_guard lock_to(to.mutex);
  move_money(from, to, amount);
}

bool nothing_is_lost(bool fixed) {
  Account left;
  Account right;
  auto one_way = colibri::spawn([&] { transfer(left, right, 30, fixed); });
  auto the_other = colibri::spawn([&] { transfer(right, left, 20, fixed); });
  one_way.join();
  the_other.join();
  return left.balance == 90 && right.balance == 110;
}

}  // namespace

int main(int argc, char** argv) {
  const bool fixed = argc > 1 && std::strcmp(argv[1], "--fixed") == 0;
  try {
    colibri::testing::for_each_seed(1'000, [fixed] { return nothing_is_lost(fixed); });
  } catch (const colibri::testing::SeedFailure& failure) {
    std::printf("%s\n", failure.what());
    return 1;
  }
  std::printf("1000 seeds, and no money was lost\n");
}
