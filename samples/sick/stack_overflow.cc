// A sick server: a request overflows its stack.
//
//   bazel run --config=opt //samples/sick:stack_overflow
//
// Requests are nested lists, parsed by recursion on stacks of 64 KiB. One that is nested 80 deep
// takes more than that. The process ends, as it would anyway; but its last words say which
// coroutine it was, where it was spawned, which stack would have been enough, and the frames.
// (//samples:stack_overflow shows the same in a child, and goes on.)
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "colibri/colibri.h"

/// Counts the brackets of a list, as "[[]]"; each level has a buffer, as careless parsers do.
[[gnu::noinline]] int parse(std::string_view& text) {
  char token[1024];
  std::memset(token, text.front(), sizeof token);
  text.remove_prefix(1);
  int count = 1;
  while (!text.empty() && text.front() == '[') count += parse(text);
  if (!text.empty()) text.remove_prefix(1);
  return count + (token[count % 1024] == '[' ? 0 : 1);
}

int main() {
  return colibri::run([] {
    for (const std::size_t depth : {10U, 80U}) {
      const std::string list(depth, '[');
      auto request = colibri::spawn({.stack_bytes = 64 * 1024, .name = "request"}, [&] {
        std::string_view text = list;
        return parse(text);
      });
      std::printf("parsed a list of %d\n", request.join());
      std::fflush(stdout);
    }
  });
}
