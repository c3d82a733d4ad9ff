// An echo server on net of the installed colibri, without hooks. Prints its port.
#include <colibri/net.h>
#include <array>
#include <cstdio>

void echo(colibri::TcpStream& stream) {
  std::array<std::byte, 4096> buffer;
  while (const std::size_t size = stream.read_some(buffer)) {
    stream.write_all(std::span(buffer).first(size));
  }
}

int main() {
  return colibri::run([] {
    colibri::TcpServer server("127.0.0.1:0", echo);
    std::printf("listening on %s\n", server.address().to_string().c_str());
    std::fflush(stdout);
    server.run();
  });
}
