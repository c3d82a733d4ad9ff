// Skynet: a tree of coroutines, ten below each, whose leaves send their numbers up to be summed.
//
//   bazel run --config=opt //samples:skynet [LEAVES]
//
// With ten thousand leaves by default. Each runs at once: the tree grows branch by branch, so that
// few of its coroutines are alive at the same time. Prints:
//
// 10000 leaves, sum 49995000
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "colibri/colibri.h"

namespace {

using Numbers = colibri::Channel<std::int64_t>;

void skynet(const Numbers& parent, std::int64_t number, std::int64_t size) {
  if (size == 1) {
    parent.send(number);
    return;
  }
  const Numbers children(10);  // so that no child has to wait for its parent
  const std::int64_t part = size / 10;
  for (std::int64_t i = 0; i < 10; ++i) {
    colibri::go(colibri::SpawnOptions{.stack_bytes = 16 * 1024, .at_once = true},
                [=] { skynet(children, number + i * part, part); });
  }
  std::int64_t sum = 0;
  for (int i = 0; i < 10; ++i) sum += *children.receive();
  parent.send(sum);
}

}  // namespace

int main(int argc, char** argv) {
  const std::int64_t leaves = argc > 1 ? std::atoll(argv[1]) : 10'000;
  return colibri::run([=] {
    const Numbers root;
    colibri::go([=] { skynet(root, 0, leaves); });
    std::printf("%lld leaves, sum %lld\n", static_cast<long long>(leaves),
                static_cast<long long>(*root.receive()));
  });
}
