// An echo server that takes over from the one that runs, and is taken over from in turn.
//
//   restarting_server MEETING_POINT
//   listening on 127.0.0.1:40001
#include <array>
#include <cstdio>
#include <exception>

#include "colibri/net.h"

namespace {

void echo(colibri::TcpStream& stream) {
  std::array<std::byte, 4096> buffer;
  while (const std::size_t size = stream.read_some(buffer)) {
    stream.write_all(std::span(buffer).first(size));
  }
}

void serve(const char* meeting_point) {
  colibri::ListenerHandover handover(meeting_point);
  std::vector<colibri::TcpListener> listeners = handover.take_listeners();
  if (listeners.empty()) listeners.emplace_back("127.0.0.1:0");
  colibri::TcpServer server(std::move(listeners), echo, {.drain = std::chrono::seconds(60)});
  std::printf("listening on %s\n", server.address().to_string().c_str());
  std::fflush(stdout);
  auto successor = colibri::spawn([&] { handover.run(server); });
  server.run();
  const colibri::TcpServerCounters counters = server.counters();
  if (counters.completed != counters.accepted) throw std::runtime_error("connections were lost");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    return colibri::run([&] { serve(argv[1]); });
  } catch (const std::exception& error) {
    std::fprintf(stderr, "restarting_server: %s\n", error.what());
    return 1;
  }
}
