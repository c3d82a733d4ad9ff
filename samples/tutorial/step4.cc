// Step 4 of the tutorial: clients that say nothing, or do not read, are let go after a while.
//
//   bazel run --config=opt //samples/tutorial:step4 -- 7777 30000
//
// The second number is how many milliseconds a client may take for each message.
#include <cerrno>
#include <chrono>

#include "colibri/colibri.h"
#include "samples/tutorial/listener.h"

// [serve
bool echo_once(int client) {
  char buffer[4096];
  const ssize_t size = read(client, buffer, sizeof buffer);
  return size > 0 && send(client, buffer, static_cast<size_t>(size), MSG_NOSIGNAL) == size;
}

void serve(int client, std::chrono::milliseconds patience) {
  errno = 0;
  for (bool goes_on = true; goes_on;) {
    const colibri::TimeLimit limit(patience);
    goes_on = echo_once(client);
  }
  if (errno == ETIMEDOUT) std::fprintf(stderr, "a client took too long\n");
  close(client);
}
// ]

// [main
int main(int argc, char** argv) {
  const int listener = listen_on(argc > 1 ? std::atoi(argv[1]) : 7777);
  const std::chrono::milliseconds patience(argc > 2 ? std::atoi(argv[2]) : 30'000);
  return colibri::run([=] {
    for (int client; (client = accept(listener, nullptr, nullptr)) >= 0;) {
      colibri::go(serve, client, patience);
    }
  });
}
// ]
