// The echo server on state-threads: a thread of the library for each connection.
//
//   state_threads_server [--host 127.0.0.1] [--port 0] [--buffer-bytes 4096]

#include <st.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "bench/baseline/server_setup.h"

namespace bench {
namespace {

constexpr int kStackBytes = 64 * 1024;
std::size_t buffer_bytes;

void require(bool done, const char* what) {
  if (done) return;
  std::perror(what);
  std::exit(1);
}

// epoll, if the library has it: Debian's is built without. Of what is left, poll is as fast as
// select and has no limit of 1,024 descriptors.
void choose_event_system() {
  if (st_set_eventsys(ST_EVENTSYS_ALT) == 0 && st_get_eventsys() == ST_EVENTSYS_ALT) return;
  require(st_set_eventsys(ST_EVENTSYS_POLL) == 0, "st_set_eventsys");
}

void* serve(void* argument) {
  auto* const connection = static_cast<st_netfd_t>(argument);
  std::vector<char> buffer(buffer_bytes);
  for (;;) {
    const ssize_t size = st_read(connection, buffer.data(), buffer.size(), ST_UTIME_NO_TIMEOUT);
    if (size <= 0) break;
    // st_write returns less than asked for only with an error.
    if (st_write(connection, buffer.data(), static_cast<std::size_t>(size), ST_UTIME_NO_TIMEOUT) !=
        size) {
      break;
    }
  }
  st_netfd_close(connection);
  return nullptr;
}

[[noreturn]] void accept_for_ever(st_netfd_t listener) {
  for (;;) {
    st_netfd_t connection = st_accept(listener, nullptr, nullptr, ST_UTIME_NO_TIMEOUT);
    require(connection != nullptr, "st_accept");
    set_no_delay(st_netfd_fileno(connection));
    require(st_thread_create(serve, connection, /*joinable=*/0, kStackBytes) != nullptr,
            "st_thread_create");
  }
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const auto options = bench::parse_server_options(argc, argv);
  bench::buffer_bytes = options.buffer_bytes;
  const int listener = bench::listen_and_announce(options);  // raises the limit that st_init reads
  bench::choose_event_system();
  bench::require(st_init() == 0, "st_init");
  bench::accept_for_ever(st_netfd_open_socket(listener));
}
