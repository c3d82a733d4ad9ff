// A trap: in the child of a fork only the coroutine that forked lives on.
//
//   bazel run --config=opt //samples/traps:fork
//
// As with threads. The child waits for a writer that is not there any more, and gets an exception;
// without a handler it is logged, and ends that coroutine, and here the child with it. In the
// parent all is as before. (The cure: exec at once, or spawn anew in the child.)
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>

#include "colibri/colibri.h"

int main() {
  return colibri::run([] {
    auto writer = colibri::spawn({.name = "writer"},
                                 [] { colibri::sleep_for(std::chrono::milliseconds(1)); });
    colibri::go({.name = "forker"}, [&writer] {
      if (fork() == 0) writer.join();
    });
    writer.join();
    wait(nullptr);
    std::printf("parent: the writer has ended\n");
  });
}
