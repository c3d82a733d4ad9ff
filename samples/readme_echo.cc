// The server that README opens with: echoes what it receives on port 7777. Prints nothing.
// //test/docs:quotes_test keeps README equal to it.
//
//   bazel run --config=opt //samples:readme_echo
#include <netinet/in.h>
#include <unistd.h>

#include "colibri/colibri.h"

void echo(int fd) {
  char buffer[4096];
  for (ssize_t size; (size = read(fd, buffer, sizeof buffer)) > 0;)
    if (send(fd, buffer, static_cast<size_t>(size), MSG_NOSIGNAL) != size) break;
  close(fd);
}

int main() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const sockaddr_in address{AF_INET, htons(7777), {htonl(INADDR_LOOPBACK)}, {}};
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return 1;
  listen(listener, SOMAXCONN);
  return colibri::run([&] {
    for (int fd; (fd = accept(listener, nullptr, nullptr)) >= 0;) colibri::go(echo, fd);
  });
}
