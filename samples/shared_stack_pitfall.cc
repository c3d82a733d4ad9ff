// The pitfall of shared stacks, and how the check mode finds it.
//
//   bazel run --config=opt //samples:shared_stack_pitfall
//
// A session has a list on its stack and lets a helper add it up: by a reference, as one does
// between functions. While the session waits, its stack is somebody else's, and the helper would
// read whatever lies there by then. With COLIBRI_CHECK=shared (here: check_shared_stacks) the first
// such access ends the process and names both sides; that happens in a child, whose standard error
// this program reads. A copy of the list, or one in the heap, is right on every stack. Prints:
//
// by reference: ended by signal 11
//   coroutine 3 'helper' spawned at samples/shared_stack_pitfall.cc:37
//   touched the stack of coroutine 2 'session' spawned at samples/shared_stack_pitfall.cc:51
// by value: the sum is 6
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "colibri/colibri.h"

namespace {

using Numbers = std::array<int, 3>;

int sum_of(const Numbers& numbers) {
  int sum = 0;
  for (const int number : numbers) sum += number;
  return sum;
}

void session(const colibri::SharedStackGroup& stacks, bool by_reference) {
  const colibri::SpawnOptions options{.name = "helper", .shared_stacks = &stacks};
  const Numbers numbers{1, 2, 3};
  colibri::Task<int> sum =
      by_reference
          // Wrong: `numbers` lies on the session's stack, which the helper does not see.
          ? colibri::spawn(options, [&numbers] { return sum_of(numbers); })
          : colibri::spawn(options, [numbers] { return sum_of(numbers); });
  std::printf("by value: the sum is %d\n", sum.join());
}

void serve(bool by_reference) {
  colibri::check_shared_stacks(true);
  colibri::run([by_reference] {
    const colibri::SharedStackGroup stacks(1);
    const colibri::SpawnOptions options{.name = "session", .shared_stacks = &stacks};
    colibri::spawn(options, session, stacks, by_reference).join();
  });
}

/// Runs the wrong session in a child, and prints how that ended.
void show_the_pitfall() {
  int ends[2];
  if (pipe(ends) != 0) std::exit(EXIT_FAILURE);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    const rlimit none{};
    setrlimit(RLIMIT_CORE, &none);  // no core file for a sample
    serve(true);
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
  std::printf("by reference: ended by signal %d\n", WTERMSIG(status));
  // Without the address, which is another one each time.
  const std::size_t begin = said.find("coroutine "), touched = said.find(" touched 0x");
  const std::size_t owner = said.find("the stack of "), end = said.find(". That one");
  if (end == std::string::npos) return;
  std::printf("  %s\n  touched %s\n", said.substr(begin, touched - begin).c_str(),
              said.substr(owner, end - owner).c_str());
}

}  // namespace

int main() {
  show_the_pitfall();
  std::fflush(stdout);
  serve(false);
}
