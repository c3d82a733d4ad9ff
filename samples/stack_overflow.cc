// A coroutine that runs out of stack says which one it is, and what to do about it.
//
//   bazel run --config=opt //samples:stack_overflow
//
// A session parses nested lists by recursion, on a stack of 64 KiB. A client sends lists that are
// nested 80 deep, which is more than fits. That ends the process, so it happens in a child, whose
// standard error this program reads. Behind the first line comes a backtrace. A stack of the size
// that the line asks for is enough. Prints:
//
// nested 10 deep on 64 KiB: parsed
// nested 80 deep on 64 KiB: ended by signal 11
//   colibri: coroutine 2 'session' spawned at samples/stack_overflow.cc:47
//   overflowed its 64 KiB stack; spawn it with a stack of 128 KiB or more
// nested 80 deep on 128 KiB: parsed
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "colibri/colibri.h"

namespace {

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

/// The child's part.
void serve(const std::string& lists, std::size_t stack_bytes) {
  // No core file for a sample.
  const rlimit none{};
  setrlimit(RLIMIT_CORE, &none);
  colibri::run([&] {
    auto session = colibri::spawn({.stack_bytes = stack_bytes, .name = "session"}, [&] {
      std::string_view text = lists;
      return parse(text);
    });
    session.join();
  });
}

void show(int depth, std::size_t stack_bytes) {
  std::printf("nested %d deep on %zu KiB: ", depth, stack_bytes / 1024);
  std::fflush(stdout);
  int ends[2];
  if (pipe(ends) != 0) std::exit(EXIT_FAILURE);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    serve(std::string(static_cast<std::size_t>(depth), '['), stack_bytes);
    _exit(EXIT_SUCCESS);
  }
  close(ends[1]);
  std::string said;
  char bytes[4096];
  for (ssize_t size; (size = read(ends[0], bytes, sizeof bytes)) > 0;)
    said.append(bytes, static_cast<std::size_t>(size));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (!WIFSIGNALED(status)) {
    std::printf("parsed\n");
    return;
  }
  std::printf("ended by signal %d\n", WTERMSIG(status));
  said.resize(std::min(said.find('\n'), said.size()));
  // In two lines.
  const std::size_t middle = std::min(said.find(" overflowed"), said.size());
  std::printf("  %s\n %s\n", said.substr(0, middle).c_str(), said.substr(middle).c_str());
}

}  // namespace

int main() {
  show(10, 64 * 1024);
  show(80, 64 * 1024);
  show(80, 128 * 1024);
}
