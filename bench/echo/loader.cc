// A lean load generator for echo servers: one thread, raw epoll, three system calls a message by
// TCP, four by TLS and UDP.
//
//   loader --port P [--host 127.0.0.1] [--protocol tcp|tls|udp] [--connections 64] [--message-bytes
//   64] [--depth 1]
//          [--seconds 3] [--warmup 1] [--time-limit 0] [--server-pid PID] [--json]
//          [--think-ms 0]
//
// Each connection keeps `depth` messages under way. Replies are compared with what was sent. After
// the warm-up it counts replies for `seconds`, and reads the server's CPU time at both ends of that
// window. With a time to think it sleeps before each message, so that a server of one connection
// has to wait for each. Prints a line of figures, or with --json an object. Status: 0 figures
// printed, 1 the server failed or answered wrong, 2 a bad command line, 3 out of time.

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/baseline/command_line.h"
#include "bench/echo/latency_histogram.h"
#include "bench/echo/load_channel.h"
#include "bench/echo/load_connection.h"
#include "bench/echo/load_sockets.h"
#include "bench/echo/process_usage.h"
#include "bench/echo/stopwatch.h"
#include "bench/echo/tls_channel.h"

namespace bench {
namespace {

constexpr std::int64_t kNanosecondsASecond = 1'000'000'000;
constexpr std::int64_t kSilence = 5 * kNanosecondsASecond;

enum class Protocol { kTcp, kTls, kUdp };

struct LoadOptions {
  std::string host;
  std::uint16_t port = 0;
  Protocol protocol = Protocol::kTcp;
  std::size_t connections = 0;
  std::uint64_t message_bytes = 0;
  std::uint64_t depth = 0;
  double seconds = 0;
  double warmup = 0;
  std::int64_t think_ms = 0;
  double time_limit = 0;  // of the whole run; 0: what the other options need, and half a minute
  pid_t server_pid = 0;   // 0: unknown, its usage is not reported
  bool json = false;
};

Protocol parse_protocol(const std::string& name) {
  if (name == "tcp") return Protocol::kTcp;
  if (name == "tls") return Protocol::kTls;
  if (name == "udp") return Protocol::kUdp;
  std::fprintf(stderr, "loader: --protocol is tcp, tls or udp, not %s\n", name.c_str());
  std::exit(2);
}

LoadOptions parse_options(int argc, char** argv) {
  CommandLine line(argc, argv);
  LoadOptions options;
  options.host = line.text("--host", "127.0.0.1");
  options.port = static_cast<std::uint16_t>(line.number("--port", 0, 1, 65'535));
  options.protocol = parse_protocol(line.text("--protocol", "tcp"));
  options.connections = static_cast<std::size_t>(line.number("--connections", 64, 1, 1'000'000));
  options.message_bytes =
      static_cast<std::uint64_t>(line.number("--message-bytes", 64, 1, 1 << 24));
  options.depth = static_cast<std::uint64_t>(line.number("--depth", 1, 1, 10'000));
  options.seconds = line.seconds("--seconds", 3);
  options.warmup = line.seconds("--warmup", 1);
  options.think_ms = line.number("--think-ms", 0, 0, 1'000);
  options.time_limit = line.seconds("--time-limit", 0);
  options.server_pid = static_cast<pid_t>(line.number("--server-pid", 0, 0, 1 << 30));
  options.json = line.flag("--json");
  line.finish();
  if (options.time_limit == 0) {
    // Opening takes some 50 µs a connection, and the slowest servers ten times that.
    options.time_limit =
        options.seconds + options.warmup + 30 + static_cast<double>(options.connections) / 2'000;
  }
  return options;
}

// The one end that no state of the run can put off.
void end_after(double seconds) {
  std::signal(SIGALRM, [](int) {
    constexpr char kMessage[] = "loader: out of time; the server hangs or is too slow\n";
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kMessage, sizeof kMessage - 1);
    _exit(3);
  });
  alarm(static_cast<unsigned>(seconds) + 1);
}

// What is read at each end of the measured window.
struct Reading {
  std::int64_t at = monotonic_nanoseconds();
  std::int64_t loader_cpu = cpu_nanoseconds(getpid());
  std::int64_t server_cpu = 0;

  explicit Reading(pid_t server) {
    if (server != 0) server_cpu = cpu_nanoseconds(server);
  }
};

struct Result {
  LatencyHistogram histogram;
  std::uint64_t messages = 0;      // completed within the window
  std::uint64_t all_messages = 0;  // with those of the warm-up
  double seconds = 0;
  double server_cpu = 0;  // nanoseconds within the window
  double loader_cpu = 0;
  std::int64_t server_bytes_before = 0;  // resident, before the first connection
  std::int64_t server_bytes = 0;         // at the end of the window
};

class Loader {
 public:
  Loader(const LoadOptions& options, Result& result);
  // Runs the load until `end` on the monotonic clock. Replies are added to the result.
  void run_until(std::int64_t end);
  // Goes on until each connection has had another reply. Throws std::runtime_error if one has none
  // for long: a datagram was lost, and nobody sends it again.
  void require_replies();

 private:
  struct Open {
    int fd;
    std::unique_ptr<LoadChannel> channel;
  };
  std::vector<Open> open_channels(const LoadOptions& options);
  void handle(LoadConnection& connection, std::uint32_t events);

  Result& result_;
  const std::chrono::milliseconds think_;
  const Pattern pattern_;
  const int epoll_;
  TlsClient tls_;
  std::int64_t last_reply_ = 0;
  std::vector<LoadConnection> connections_;
};

Loader::Loader(const LoadOptions& options, Result& result)
    : result_(result), think_(options.think_ms), epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  connections_.reserve(options.connections);  // epoll keeps pointers to them
  for (auto& [fd, channel] : open_channels(options)) {
    connections_.emplace_back(std::move(channel), options.message_bytes, options.depth);
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &connections_.back();
    if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) throw std::runtime_error("epoll_ctl");
  }
  last_reply_ = monotonic_nanoseconds();
}

std::vector<Loader::Open> Loader::open_channels(const LoadOptions& options) {
  constexpr std::size_t kConnectionsBetweenChecks = 128;
  std::vector<std::unique_ptr<LoadChannel>> channels;
  const auto greet = [&](int fd) {
    switch (options.protocol) {
      case Protocol::kTcp:
        if (channels.size() % kConnectionsBetweenChecks == 0) check_echo(fd);
        channels.push_back(make_tcp_channel(fd));
        break;
      case Protocol::kTls:
        channels.push_back(tls_.shake_hands(fd));
        break;
      case Protocol::kUdp:
        channels.push_back(make_udp_channel(fd, options.message_bytes));
        break;
    }
  };
  const int type = options.protocol == Protocol::kUdp ? SOCK_DGRAM : SOCK_STREAM;
  const std::vector<int> sockets =
      open_connections({options.host, options.port, type}, options.connections, greet);
  std::vector<Open> open;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    open.push_back({sockets[i], std::move(channels[i])});
  }
  return open;
}

void Loader::require_replies() {
  std::vector<std::uint64_t> before;
  for (const LoadConnection& each : connections_) before.push_back(each.completed());
  const auto is_silent = [&](const LoadConnection& each) {
    return each.completed() == before[static_cast<std::size_t>(&each - connections_.data())];
  };
  const std::int64_t end = monotonic_nanoseconds() + kSilence;
  while (std::any_of(connections_.begin(), connections_.end(), is_silent)) {
    if (monotonic_nanoseconds() >= end) throw std::runtime_error("a datagram was lost");
    run_until(monotonic_nanoseconds() + kSilence / 1'000);
  }
}

void Loader::run_until(std::int64_t end) {
  std::array<epoll_event, 512> events;
  for (std::int64_t now = monotonic_nanoseconds(); now < end; now = monotonic_nanoseconds()) {
    const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 100);
    const std::uint64_t before = result_.messages;
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      handle(*static_cast<LoadConnection*>(event.data.ptr), event.events);
    }
    if (result_.messages != before) {
      last_reply_ = now;
    } else if (now - last_reply_ > kSilence) {
      throw std::runtime_error("no reply for five seconds");
    }
  }
}

void Loader::handle(LoadConnection& connection, std::uint32_t events) {
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) {
    throw std::runtime_error("the server closed or reset a connection");
  }
  if ((events & EPOLLIN) != 0) result_.messages += connection.receive(pattern_, result_.histogram);
  if (think_.count() > 0) std::this_thread::sleep_for(think_);
  connection.send(pattern_);
}

std::int64_t after(double seconds) {
  return monotonic_nanoseconds() + static_cast<std::int64_t>(seconds * kNanosecondsASecond);
}

Result measure(const LoadOptions& options) {
  Result result;
  const pid_t server = options.server_pid;
  if (server != 0) result.server_bytes_before = resident_bytes(server);

  Loader loader(options, result);
  loader.run_until(after(options.warmup));
  const std::uint64_t warm_up_messages = std::exchange(result.messages, 0);
  result.histogram = LatencyHistogram();

  const Reading begin(server);
  loader.run_until(after(options.seconds));
  const Reading end(server);
  if (result.messages == 0) throw std::runtime_error("no reply within the measured window");
  result.all_messages = warm_up_messages + result.messages;
  result.seconds = static_cast<double>(end.at - begin.at) / kNanosecondsASecond;
  result.server_cpu = static_cast<double>(end.server_cpu - begin.server_cpu);
  result.loader_cpu = static_cast<double>(end.loader_cpu - begin.loader_cpu);
  if (server != 0) result.server_bytes = resident_bytes(server);
  const Result figures = result;  // without what comes now
  if (options.protocol == Protocol::kUdp) loader.require_replies();
  return figures;
}

void print(const LoadOptions& options, const Result& result) {
  const auto messages = static_cast<double>(result.messages);
  const auto microseconds = [&](double fraction) {
    return static_cast<double>(result.histogram.percentile(fraction)) / 1'000;
  };
  const std::int64_t grown = result.server_bytes - result.server_bytes_before;
  const double nanoseconds = result.seconds * kNanosecondsASecond;
  const char* const format =
      options.json
          ? "{\"connections\": %zu, \"message_bytes\": %zu, \"depth\": %zu, \"seconds\": %.3f, "
            "\"messages\": %zu, \"all_messages\": %zu, \"messages_per_second\": %.0f, "
            "\"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, "
            "\"server_cpu_ns_per_message\": %.1f, \"server_cpu_share\": %.3f, "
            "\"loader_cpu_share\": %.3f, \"server_rss_bytes\": %lld, "
            "\"server_rss_bytes_per_connection\": %.0f}\n"
          : "%zu connections, %zu bytes, depth %zu, %.2f s: %zu messages (%zu with warm-up), "
            "%.0f messages/s, p50 %.1f us, p99 %.1f us, p99.9 %.1f us, server CPU %.1f ns/message "
            "(share %.3f), loader share %.3f, server RSS %lld bytes, %.0f bytes/connection\n";
  std::printf(format, options.connections, options.message_bytes, options.depth, result.seconds,
              result.messages, result.all_messages, messages / result.seconds, microseconds(0.5),
              microseconds(0.99), microseconds(0.999), result.server_cpu / messages,
              result.server_cpu / nanoseconds, result.loader_cpu / nanoseconds,
              static_cast<long long>(result.server_bytes),
              static_cast<double>(grown) / static_cast<double>(options.connections));
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  const auto options = bench::parse_options(argc, argv);
  bench::end_after(options.time_limit);
  try {
    bench::print(options, bench::measure(options));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "loader: %s\n", error.what());
    return 1;
  }
}
