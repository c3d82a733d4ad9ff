// Step 2 of the tutorial: a thread for each client. All are served at once, and each takes a
// thread.
//
//   bazel run --config=opt //samples/tutorial:step2 -- 7777
#include <thread>

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
  for (int client; (client = accept(listener, nullptr, nullptr)) >= 0;) {
    std::thread(serve, client).detach();
  }
}
// ]
