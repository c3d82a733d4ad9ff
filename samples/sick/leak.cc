// A sick server: coroutines that wait for what nobody can send any more.
//
//   COLIBRI_LEAKS=1 bazel run --config=opt //samples/sick:leak
//
// A request asks two backends and takes the first answer. It makes a channel for both and forgets
// about it, so the slower backend sends into a channel without room that nobody will ever receive
// from, and stays parked. Each request leaves one coroutine behind. They are named at the end.
#include <chrono>
#include <cstdio>

#include "colibri/colibri.h"

namespace {

constexpr int kRequests = 5;

void ask_backend(const colibri::Channel<int>& answers, int milliseconds) {
  colibri::sleep_for(std::chrono::milliseconds(milliseconds));
  answers.send(milliseconds);
}

int serve_request() {
  const colibri::Channel<int> answers(0);  // with room for one answer, nothing would be left behind
  colibri::go({.name = "fast backend"}, [answers] { ask_backend(answers, 1); });
  colibri::go({.name = "slow backend"}, [answers] { ask_backend(answers, 2); });
  return answers.receive().value_or(0);
}

}  // namespace

int main() {
  return colibri::run([] {
    for (int i = 0; i < kRequests; ++i) serve_request();
    colibri::sleep_for(std::chrono::milliseconds(20));
    std::printf("served %d requests\n", kRequests);
  });
}
