// Step 3 of the tutorial: a coroutine for each client, all on one thread. `serve` is that of steps
// 1 and 2, byte for byte: linking colibri is what makes its read and send park the coroutine.
//
//   bazel run --config=opt //samples/tutorial:step3 -- 7777
#include "colibri/colibri.h"
#include "samples/tutorial/listener.h"

// [serve
void serve(int client) {
  char buffer[4096];
  for (ssize_t size; (size = read(client, buffer, sizeof buffer)) > 0;) {
    if (send(client, buffer, static_cast<size_t>(size), MSG_NOSIGNAL) != size) break;
  }
  close(client);
}
// ]

// [main
int main(int argc, char** argv) {
  const int listener = listen_on(argc > 1 ? std::atoi(argv[1]) : 7777);
  return colibri::run([listener] {
    for (int client; (client = accept(listener, nullptr, nullptr)) >= 0;) {
      colibri::go(serve, client);
    }
  });
}
// ]
