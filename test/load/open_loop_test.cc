// An open loop shows a server's stall in full, whatever the protocol: each message is timed from
// when it was due, not from when it could be sent ("coordinated omission").
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "colibri/core/sleep.h"
#include "samples/load_test/load.h"
#include "test/load/scripted_server.h"
#include "test/net/test_certificates.h"

namespace colibri::test {
namespace {

using load_test::Options;
using load_test::Protocol;
using load_test::Result;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// At its `first_late`-th visit all who come have to wait for a while, and nobody afterwards.
class Stall {
 public:
  Stall(int first_late, std::chrono::milliseconds duration)
      : first_late_(first_late), duration_(duration) {}

  void pass() { sleep_until(end_of_wait()); }

 private:
  Clock::time_point end_of_wait() {
    const std::lock_guard lock(mutex_);
    if (++visits_ == first_late_) end_ = Clock::now() + duration_;
    return end_;
  }

  const int first_late_;
  const std::chrono::milliseconds duration_;
  std::mutex mutex_;
  int visits_ = 0;
  Clock::time_point end_;
};

/// Echoes messages of 68 bytes.
void echo_after(Stall& stall, StreamReference stream) {
  std::array<std::byte, 68> message;
  for (std::size_t filled = 0;;) {
    const std::size_t size = stream.read_some(std::span(message).subspan(filled));
    if (size == 0) return;
    filled += size;
    if (filled != message.size()) continue;
    stall.pass();
    stream.write_all(message);
    filled = 0;
  }
}

void answer_after(Stall& stall, StreamReference stream) {
  HttpRequests requests(stream);
  const std::string response = http_response(200, "hello");
  while (requests.read_one()) {
    stall.pass();
    stream.write_all(std::as_bytes(std::span(response)));
  }
}

Options load_of(Protocol protocol) {
  Options options;
  options.protocol = protocol;
  options.connections = 10;
  options.threads = 2;
  options.message_bytes = protocol == Protocol::kFramedEcho ? 64 : 68;
  options.rate = 1000;
  options.duration = 1s;
  options.connect_timeout = 60s;
  options.grace = 60s;
  options.server_name = "localhost";
  return options;
}

std::uint64_t samples_from(const Result& result, std::chrono::nanoseconds latency) {
  std::uint64_t sum = 0;
  for (const auto& [highest, count] : result.statistics->latency.excerpt().counts) {
    if (highest >= latency.count()) sum += count;
  }
  return sum;
}

struct Kind {
  const char* name;
  Protocol protocol;
  std::uint32_t depth;
  bool tls;
};

const std::vector<Kind> kKinds = {
    {"echo", Protocol::kEcho, 0, false},
    {"echo, one at a time", Protocol::kEcho, 1, false},
    {"frames", Protocol::kFramedEcho, 0, false},
    {"HTTP", Protocol::kHttp, 1, false},
    {"HTTP, some at a time", Protocol::kHttp, 4, false},
    {"echo over TLS", Protocol::kEcho, 0, true},
    {"HTTP over TLS", Protocol::kHttp, 1, true},
};

// The server stands still for half a second. Of the messages due in its first 0.29 s, or, if it
// began late, of all behind the 200th, none is answered within 0.21 s of its time.
TEST(OpenLoopTest, EveryMessageDueDuringAStallShowsIt) {
  const TestAuthority authority;
  const TlsServerContext context({.certificate = authority.issue("localhost")});
  for (const Kind& kind : kKinds) {
    SCOPED_TRACE(kind.name);
    Stall stall(200, 500ms);
    const bool http = kind.protocol == Protocol::kHttp;
    ScriptedServer server(
        [&](StreamReference stream) {
          http ? answer_after(stall, stream) : echo_after(stall, stream);
        },
        kind.tls ? std::optional(context) : std::nullopt);
    Options options = load_of(kind.protocol);
    options.port = server.port();
    options.depth = kind.depth;
    options.tls = kind.tls;
    options.authorities = authority.file();
    const Result result = load_test::run(options);
    EXPECT_EQ(result.complaint(), "");
    EXPECT_EQ(result.statistics->latency.count(), result.statistics->due);
    EXPECT_NEAR(static_cast<double>(result.statistics->due), 1000, 2);
    EXPECT_GE(samples_from(result, 205ms), 250U);
  }
}

TEST(OpenLoopTest, StagesFollowOneAnother) {
  ScriptedServer server(echo_script);
  Options options = load_of(Protocol::kEcho);
  options.port = server.port();
  options.depth = 0;
  options.rate = 0;
  for (const char* text : {"ramp:0-1000:600ms", "hold:1000:500ms", "spike:1000-3000:200ms"}) {
    options.stages.push_back(load_test::parse_stage(text));
  }
  const Result result = load_test::run(options);
  EXPECT_EQ(result.complaint(), "");
  const auto& stages = result.statistics->stages;
  ASSERT_EQ(stages.size(), 3U);
  const double due[] = {300, 500, 400};
  for (std::size_t i = 0; i < stages.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(stages[i].due), due[i], 2) << i;
    EXPECT_EQ(stages[i].latency.count(), stages[i].due) << i;
  }
  EXPECT_EQ(result.statistics->latency.count(), result.statistics->due);
  ASSERT_EQ(result.seconds.size(), 1U);
  EXPECT_LE(result.seconds[0].messages, result.statistics->messages.value());
}

}  // namespace
}  // namespace colibri::test
