// The prime sieve of Hoare and Go: a chain of coroutines joined by channels, each of which lets
// through what its own prime does not divide.
//
//   bazel run --config=opt //samples:prime_sieve
//
// Prints:
//
// 2 3 5 7 11 13 17 19 23 29
#include <cstdio>

#include "colibri/colibri.h"

namespace {

using colibri::Channel;

/// Sends all natural numbers from 2 on.
void generate(const Channel<int>& numbers) {
  for (int number = 2;; ++number) numbers.send(number);
}

/// Passes on what `prime` does not divide.
void filter(const Channel<int>& from, const Channel<int>& to, int prime) {
  for (int number : from) {
    if (number % prime != 0) to.send(number);
  }
}

}  // namespace

int main() {
  return colibri::run([] {
    Channel<int> numbers;
    colibri::go([numbers] { generate(numbers); });
    for (int i = 0; i < 10; ++i) {
      const int prime = *numbers.receive();
      std::printf("%s%d", i == 0 ? "" : " ", prime);
      const Channel<int> filtered;
      colibri::go([from = numbers, to = filtered, prime] { filter(from, to, prime); });
      numbers = filtered;
    }
    std::printf("\n");
    // The end of main cancels the chain: a receive or send throws in each, and unwinds it.
  });
}
