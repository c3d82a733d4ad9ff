// Echo of datagrams on net, in batches.
//
//   colibri_udp_server [--host 127.0.0.1] [--port 0]
#include <sys/socket.h>

#include <cstdio>
#include <exception>
#include <string>

#include "bench/baseline/command_line.h"
#include "bench/baseline/server_setup.h"
#include "colibri/net.h"

namespace bench {
namespace {

void serve(int argc, char** argv) {
  CommandLine line(argc, argv);
  const std::string host = line.text("--host", "127.0.0.1");
  const auto port = static_cast<std::uint16_t>(line.number("--port", 0, 0, 65'535));
  line.finish();
  colibri::UdpSocket socket = colibri::UdpSocket::bind(host + ':' + std::to_string(port));
  socket.set_option(SOL_SOCKET, SO_RCVBUFFORCE, kDatagramBufferBytes);
  std::printf("listening on %s\n", socket.address().to_string().c_str());
  std::fflush(stdout);
  colibri::DatagramBatch batch(64, 1500);
  for (;;) {
    socket.receive(batch);
    socket.send(batch);
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  try {
    return colibri::run([&] { bench::serve(argc, argv); });
  } catch (const std::exception& error) {
    std::fprintf(stderr, "colibri_udp_server: %s\n", error.what());
    return 1;
  }
}
