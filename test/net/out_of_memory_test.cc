// Each allocation of a server fails once, or a few in a row: whose connection needed it is sent
// away and counted, others are served, later ones too, and nothing leaks.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "colibri/core/event.h"
#include "colibri/core/log.h"
#include "test/net/http_requests.h"
#include "test/net/running_http_server.h"
#include "test/net/running_server.h"
#include "test/support/captured_stderr.h"
#include "test/support/descriptors.h"
#include "test/support/failing_allocations.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::seconds;
using test::FailingAllocations;

/// True if a client on this connection gets what it asks for.
using Ask = bool (*)(TcpStream&);

/// False for whatever a connection ends with; one that hangs is an error.
bool is_served(TcpStream& stream, Ask ask) {
  try {
    return ask(stream);
  } catch (const std::system_error& error) {
    EXPECT_NE(error.code(), std::errc::timed_out) << error.what();
    return false;
  }
}

TcpStream connect_to(const Address& address) {
  TcpStream stream = TcpStream::connect(address);
  stream.set_timeouts({.idle = seconds(20), .write = seconds(20)});
  return stream;
}

constexpr std::size_t kNewcomers = 5;
constexpr std::size_t kConnections = kNewcomers + 2;

/// Clients in a thread of their own, where every allocation succeeds.
class Clients {
 public:
  Clients(const Address& address, Ask ask) : thread_([this, address, ask] { run(address, ask); }) {}
  ~Clients() { thread_.join(); }

  /// To be waited for and set in turn.
  const Event one_is_served;
  const Event memory_fails;
  const Event all_have_asked;
  const Event memory_is_back;
  const Event done;

  /// Of those that asked while memory failed.
  std::uint64_t unserved() const noexcept { return unserved_; }

 private:
  void run(const Address& address, Ask ask) {
    {
      TcpStream first = connect_to(address);
      EXPECT_TRUE(is_served(first, ask));
      one_is_served.set();
      memory_fails.wait();
      std::vector<TcpStream> newcomers;
      for (std::size_t i = 0; i < kNewcomers; ++i) newcomers.push_back(connect_to(address));
      for (TcpStream& each : newcomers) unserved_ += is_served(each, ask) ? 0 : 1;
      unserved_ += is_served(first, ask) ? 0 : 1;
      all_have_asked.set();
      memory_is_back.wait();
      TcpStream last = connect_to(address);
      EXPECT_TRUE(is_served(last, ask)) << "the server goes on";
    }
    done.set();
  }

  std::uint64_t unserved_ = 0;
  std::thread thread_;  // last: it uses the others
};

bool is_echoed(TcpStream& stream) {
  return test::echoes(stream, "hello");
}

bool is_answered(TcpStream& stream) {
  test::HttpDialogue dialogue(stream);
  const std::string body = test::test_text(1000);
  return dialogue.ask(test::post(body)).body == "POST /p " + body;
}

TcpServerCounters of_connections(const TcpServerCounters& counters) {
  return counters;
}
TcpServerCounters of_connections(const HttpServerCounters& counters) {
  return counters.tcp;
}

/// Has the server's allocations fail, and looks at what becomes of its connections. True if there
/// were so many that some did fail.
template <class Server>
bool serves_all_the_same(Server server, Ask ask, std::size_t successes, std::size_t failures) {
  const auto clients = std::make_unique<Clients>(server.address(), ask);
  clients->one_is_served.wait();
  bool has_failed = false;
  {
    const FailingAllocations failing(successes, failures);
    clients->memory_fails.set();
    clients->all_have_asked.wait();
    has_failed = failing.has_failed();
  }
  clients->memory_is_back.set();
  clients->done.wait();
  const TcpServerCounters counters = of_connections(server.stop());
  EXPECT_LE(clients->unserved(), failures);
  EXPECT_EQ(counters.failed + counters.refused, clients->unserved()) << "each is counted";
  EXPECT_EQ(counters.accepted, kConnections);
  EXPECT_EQ(counters.completed, kConnections - clients->unserved());
  return has_failed;
}

struct Scenario {
  const char* name;
  bool (*run)(std::size_t successes, std::size_t failures);
};

bool run_tcp(std::size_t successes, std::size_t failures) {
  return serves_all_the_same(test::RunningServer(test::echo, {.timeouts = {.idle = seconds(60)}}),
                             is_echoed, successes, failures);
}

bool run_http(std::size_t successes, std::size_t failures) {
  return serves_all_the_same(test::RunningHttpServer(test::describe), is_answered, successes,
                             failures);
}

const Scenario kScenarios[] = {{"TcpServer", run_tcp}, {"HttpServer", run_http}};

class OutOfMemory : public testing::TestWithParam<Scenario> {};

/// On a thread of its own, whose caches are empty. False if there were fewer allocations.
bool fails_on_a_thread(const Scenario& scenario, std::size_t successes, std::size_t failures) {
  bool failed = false;
  std::thread([&] {
    const std::string log = test::stderr_of(
        [&] { test::run_in_scheduler([&] { failed = scenario.run(successes, failures); }); });
    const auto lines = std::count(log.begin(), log.end(), '\n');
    EXPECT_LE(lines, 3) << log;  // each kind of message once a second
  }).join();
  return failed;
}

TEST_P(OutOfMemory, IsThatConnectionsMisfortuneOnly) {
  test::stderr_of([] { log(LogLevel::kInfo, "what the first message allocates stays"); });
  for (int warm_up = 0; warm_up < 2; ++warm_up) fails_on_a_thread(GetParam(), 1'000'000, 0);
  const std::size_t stride = test::in_valgrind() ? 5 : 1;
  for (const std::size_t failures : {1U, 3U}) {
    std::size_t successes = 0;
    for (bool failed = true; failed; successes += stride) {
      SCOPED_TRACE("allocation " + std::to_string(successes));
      const long pieces = test::pieces_in_use();
      const long mapped = test::mapped_bytes();
      const std::size_t descriptors = test::open_descriptors();
      failed = fails_on_a_thread(GetParam(), successes, failures);
      EXPECT_EQ(test::pieces_in_use(), pieces);
      EXPECT_EQ(test::mapped_bytes(), mapped);
      EXPECT_EQ(test::open_descriptors(), descriptors);
      ASSERT_FALSE(HasFailure());
      ASSERT_LT(successes, 10'000U);
    }
    EXPECT_GT(successes, 5U) << "too few allocations: are they counted?";
  }
}

INSTANTIATE_TEST_SUITE_P(Of, OutOfMemory, testing::ValuesIn(kScenarios),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace colibri
