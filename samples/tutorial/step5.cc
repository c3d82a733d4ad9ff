// Step 5 of the tutorial: stops when asked to, without cutting anybody off, and says how it is.
//
//   bazel run --config=opt //samples/tutorial:step5 -- 7777 7778
//   curl http://127.0.0.1:7778/metrics
//
// After SIGTERM or Ctrl-C it accepts nobody new, and ends when the last client has gone, or after
// five seconds. Numbers for Prometheus are on the second port.
#include <signal.h>

#include <cerrno>
#include <chrono>
#include <string>

#include "colibri/colibri.h"
#include "samples/tutorial/listener.h"

using namespace std::chrono_literals;

bool echo_once(int client) {
  char buffer[4096];
  const ssize_t size = read(client, buffer, sizeof buffer);
  return size > 0 && send(client, buffer, static_cast<size_t>(size), MSG_NOSIGNAL) == size;
}

// [metrics
void serve_metrics(int listener) {
  for (int client; (client = accept(listener, nullptr, nullptr)) >= 0; close(client)) {
    const colibri::TimeLimit limit(1s);
    char request[4096];
    if (read(client, request, sizeof request) <= 0) continue;
    std::string answer = "HTTP/1.0 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n\r\n";
    colibri::write_prometheus(answer);
    send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
  }
}
// ]

// [serve
void serve(int client, colibri::WaitGroup clients) {
  for (bool goes_on = true; goes_on;) {
    const colibri::TimeLimit limit(30s);
    goes_on = echo_once(client);
  }
  close(client);
  clients.done();
}

volatile sig_atomic_t stopping = 0;

int serve_until_asked_to_stop(int listener) {
  colibri::WaitGroup clients;
  while (stopping == 0) {
    const int client = accept(listener, nullptr, nullptr);
    if (client < 0) {
      if (errno == EMFILE || errno == ENFILE) usleep(10'000);  // full: who waits is accepted later
      continue;
    }
    clients.add(1);
    colibri::go(serve, client, clients);
  }
  close(listener);
  const bool all_gone = clients.wait_for(5s);
  std::printf(all_gone ? "all clients were served to their end\n"
                       : "the last clients are cut off\n");
  return 0;
}
// ]

// [main
int main(int argc, char** argv) {
  // Without SA_RESTART, so that accept returns and the loop looks at the flag.
  struct sigaction stop {};
  stop.sa_handler = [](int) { stopping = 1; };
  sigaction(SIGTERM, &stop, nullptr);
  sigaction(SIGINT, &stop, nullptr);

  const int listener = listen_on(argc > 1 ? std::atoi(argv[1]) : 7777);
  const int metrics = listen_on(argc > 2 ? std::atoi(argv[2]) : 7778);
  colibri::enable_metrics();
  return colibri::run([=] {
    colibri::go({.name = "metrics"}, serve_metrics, metrics);
    return serve_until_asked_to_stop(listener);
  });
}
// ]
