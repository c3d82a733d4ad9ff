// Symmetric and asymmetric coroutines: transfer, against resume and yield.
//
//   bazel run --config=opt //samples:symmetric
//
// Asymmetric: whoever resumes a coroutine gets control back at its yield, as from a call. So one
// who plays referee calls each player in turn. Symmetric: the players pass control to each other,
// and nobody stands above them until one yields. Prints:
//
// with a referee: ping pong ping pong
// without: ping pong ping pong
// a function with a memory: 1 3 6 10
#include <cstdio>

#include "colibri/colibri.h"

namespace {

using colibri::Coroutine;

void play_with_a_referee() {
  std::printf("with a referee:");
  const auto player = [](const char* sound) {
    for (;;) {
      std::printf(" %s", sound);
      Coroutine::yield();  // back to the referee
    }
  };
  Coroutine ping([&] { player("ping"); });
  Coroutine pong([&] { player("pong"); });
  for (int round = 0; round < 2; ++round) {
    ping.resume();
    pong.resume();
  }
  std::printf("\n");
}

void play_without() {
  std::printf("without:");
  Coroutine* other = nullptr;
  Coroutine ping([&] {
    for (int round = 0; round < 2; ++round) {
      std::printf(" ping");
      Coroutine::transfer(*other);  // straight to pong
    }
  });
  Coroutine pong([&] {
    for (;;) {
      std::printf(" pong");
      Coroutine::transfer(ping);
    }
  });
  other = &pong;
  ping.resume();  // returns when ping ends, whoever of the two ran last
  std::printf("\n");
}

/// resume and yield with values, as in Lua.
void remember() {
  colibri::ValueCoroutine<int, int> sum([](auto& yield, int number) {
    for (int total = number;; total += number) number = yield(total);
    return 0;
  });
  std::printf("a function with a memory:");
  for (int number : {1, 2, 3, 4}) std::printf(" %d", sum(number));
  std::printf("\n");
}

}  // namespace

int main() {
  play_with_a_referee();
  play_without();
  remember();
}
