// An echo server in textbook sockets, on colibri with its hooks, from its sources. Prints its port.
#include <netinet/in.h>
#include <unistd.h>

#include <cstdio>

#include "colibri/colibri.h"

void echo(int fd) {
  char buffer[4096];
  for (ssize_t size; (size = read(fd, buffer, sizeof buffer)) > 0;)
    if (send(fd, buffer, static_cast<size_t>(size), MSG_NOSIGNAL) != size) break;
  close(fd);
}

int main() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {}};
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), size) != 0) return 1;
  listen(listener, SOMAXCONN);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return colibri::run([&] {
    for (int fd; (fd = accept(listener, nullptr, nullptr)) >= 0;) colibri::go(echo, fd);
  });
}
