// libmemcached against memcached.
#include <gtest/gtest.h>
#include <libmemcached/memcached.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>

#include "colibri/core/deadline.h"
#include "test/clients/bounded_test.h"
#include "test/clients/crowd.h"
#include "test/clients/server_process.h"
#include "test/clients/servers.h"
#include "test/clients/tcp_queues.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

using namespace std::chrono_literals;

struct Deleter {
  void operator()(memcached_st* connection) const { memcached_free(connection); }
};
using Connection = std::unique_ptr<memcached_st, Deleter>;

void expect_success(memcached_return_t result) {
  EXPECT_EQ(result, MEMCACHED_SUCCESS) << memcached_strerror(nullptr, result);
}

void set(const Connection& connection, const std::string& key, const std::string& value) {
  expect_success(memcached_set(connection.get(), key.data(), key.size(), value.data(), value.size(),
                               time_t{0}, 0));
}

std::string get(const Connection& connection, const std::string& key) {
  std::size_t size = 0;
  std::uint32_t flags = 0;
  memcached_return_t result = MEMCACHED_FAILURE;
  const std::unique_ptr<char, decltype(&std::free)> value(
      memcached_get(connection.get(), key.data(), key.size(), &size, &flags, &result), &std::free);
  expect_success(result);
  return value ? std::string(value.get(), size) : "";
}

class MemcachedTest : public BoundedTest {
 protected:
  /// Connects at the first call.
  Connection connection() const {
    const std::string options = "--SERVER=127.0.0.1:" + server_.port_text() +
                                " --CONNECT-TIMEOUT=60000 --POLL-TIMEOUT=60000";
    Connection made(memcached(options.data(), options.size()));
    if (!made) throw std::runtime_error("libmemcached does not take " + options);
    return made;
  }

  int statistic(const Connection& connection, const char* name) const {
    memcached_return_t result = MEMCACHED_FAILURE;
    memcached_stat_st* statistics = memcached_stat(connection.get(), nullptr, &result);
    expect_success(result);
    char* value = memcached_stat_get_value(connection.get(), statistics, name, &result);
    expect_success(result);
    const int number = value == nullptr ? -1 : std::atoi(value);
    std::free(value);
    memcached_stat_free(connection.get(), statistics);
    return number;
  }

  /// Returns when the last of its threads has stopped.
  void stop() const {
    kill(server_.pid(), SIGSTOP);
    siginfo_t stopped{};
    if (waitid(P_PID, static_cast<id_t>(server_.pid()), &stopped, WSTOPPED) != 0) {
      throw std::system_error(errno, std::generic_category(), "memcached does not stop");
    }
  }
  void let_go_on() const { kill(server_.pid(), SIGCONT); }
  int waiting_clients() const { return unread_connections(server_.port()); }

 private:
  TemporaryFolder folder_;
  ServerProcess server_{folder_, memcached_server()};
};

// Its commands wait for nothing, so it is stopped meanwhile.
TEST_F(MemcachedTest, AllWaitForAnAnswerAtOnce) {
  stop();
  const auto client = [this](int number) {
    const Connection own = connection();
    const std::string key = std::to_string(number);
    const std::string text(static_cast<std::size_t>(number) * 500, 'x');
    set(own, key, text);
    EXPECT_EQ(get(own, key), text);
  };
  expect_crowd(client,
               {.waiting = [this] { return waiting_clients(); }, .open = [this] { let_go_on(); }});
  const Connection control = connection();
  EXPECT_EQ(statistic(control, "cmd_set"), kClients);
  EXPECT_EQ(statistic(control, "get_hits"), kClients);
  EXPECT_GE(statistic(control, "total_connections"), kClients);
}

TEST_F(MemcachedTest, ATimeLimitEndsACommand) {
  run_in_scheduler([this] {
    const Connection own = connection();
    set(own, "key", "value");
    stop();
    {
      const TimeLimit limit(20ms);
      std::size_t size = 0;
      std::uint32_t flags = 0;
      memcached_return_t result = MEMCACHED_SUCCESS;
      EXPECT_EQ(memcached_get(own.get(), "key", 3, &size, &flags, &result), nullptr);
      EXPECT_NE(result, MEMCACHED_SUCCESS);
    }
    let_go_on();
    EXPECT_EQ(get(connection(), "key"), "value");
    EXPECT_EQ(get(own, "key"), "value");
  });
}

}  // namespace
}  // namespace colibri::test
