// Actors: each account is a coroutine with a mailbox, so its balance needs no lock.
//
//   bazel run --config=opt //samples:actor_bank
//
// tell leaves a message; ask waits for the answer, which may be an error. Prints:
//
// alice 70, bob 80
// transfer refused: only 70 there
// alice 70, bob 80
#include <cstdio>
#include <stdexcept>
#include <string>
#include <variant>

#include "colibri/colibri.h"

namespace {

using colibri::Promise;

struct Deposit {
  int amount;
};
struct Withdraw {
  int amount;
  Promise<void> done;
};
struct Balance {
  Promise<int> answer;
};
using Message = std::variant<Deposit, Withdraw, Balance>;
using Account = colibri::Actor<Message>;

Account open_account() {
  return Account([balance = 0](Message message) mutable {
    if (auto* deposit = std::get_if<Deposit>(&message)) {
      balance += deposit->amount;
    } else if (auto* withdraw = std::get_if<Withdraw>(&message)) {
      if (withdraw->amount > balance) {
        withdraw->done.fail(std::make_exception_ptr(
            std::runtime_error("only " + std::to_string(balance) + " there")));
        return;
      }
      balance -= withdraw->amount;
      withdraw->done.set();
    } else {
      std::get<Balance>(message).answer.set(balance);
    }
  });
}

void transfer(const Account& from, const Account& to, int amount) {
  from.ask<void>([=](Promise<void> done) { return Withdraw{amount, std::move(done)}; });
  to.tell(Deposit{amount});
}

int balance(const Account& account) {
  return account.ask<int>([](Promise<int> answer) { return Balance{std::move(answer)}; });
}

}  // namespace

int main() {
  return colibri::run([] {
    const Account alice = open_account();
    const Account bob = open_account();
    const auto show = [&] { std::printf("alice %d, bob %d\n", balance(alice), balance(bob)); };
    alice.tell(Deposit{100});
    bob.tell(Deposit{50});
    transfer(alice, bob, 30);
    show();
    try {
      transfer(alice, bob, 1'000);
    } catch (const std::runtime_error& error) {
      std::printf("transfer refused: %s\n", error.what());
    }
    show();
  });
}
