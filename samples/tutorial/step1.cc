// Step 1 of the tutorial: an echo server for one client at a time, as in any textbook. Who connects
// meanwhile waits until the one before has gone.
//
//   bazel run --config=opt //samples/tutorial:step1 -- 7777
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
  for (int client; (client = accept(listener, nullptr, nullptr)) >= 0;) serve(client);
}
// ]
