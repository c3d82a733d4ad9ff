// hiredis against redis-server.
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "colibri/core/deadline.h"
#include "colibri/core/task_group.h"
#include "test/clients/bounded_test.h"
#include "test/clients/crowd.h"
#include "test/clients/server_process.h"
#include "test/clients/servers.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

using namespace std::chrono_literals;

struct Deleter {
  void operator()(redisContext* context) const { redisFree(context); }
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Connection = std::unique_ptr<redisContext, Deleter>;
using Reply = std::unique_ptr<redisReply, Deleter>;

/// Connections that threads share, as it stands in many programs.
class Pool {
 public:
  explicit Pool(std::vector<Connection> connections) : idle_(std::move(connections)) {}

  Connection take() {
    std::unique_lock lock(mutex_);
    returned_.wait(lock, [this] { return !idle_.empty(); });
    Connection connection = std::move(idle_.back());
    idle_.pop_back();
    return connection;
  }
  void give_back(Connection connection) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
    returned_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<Connection> idle_;
};

class RedisTest : public BoundedTest {
 protected:
  Connection connect(const char* host = "127.0.0.1") const {
    Connection connection(redisConnect(host, server_.port()));
    if (!connection || connection->err != 0) throw std::runtime_error("no connection to redis");
    return connection;
  }

  template <class... Arguments>
  static Reply ask(const Connection& connection, const char* format, Arguments... arguments) {
    Reply reply(static_cast<redisReply*>(redisCommand(connection.get(), format, arguments...)));
    if (!reply) throw std::runtime_error(std::string("redis: ") + connection->errstr);
    return reply;
  }

  /// A figure of redis's own.
  static int counter(const Connection& connection, const std::string& name) {
    const std::string info = ask(connection, "INFO")->str;
    return std::stoi(info.substr(info.find("\n" + name + ":") + name.size() + 2));
  }

 private:
  TemporaryFolder folder_;
  ServerProcess server_{folder_, redis_server(folder_)};
};

TEST_F(RedisTest, AllWaitForAnElementAtOnce) {
  const Connection control = connect();
  const auto client = [this](int number) {
    const Connection connection = connect(number % 2 == 0 ? "127.0.0.1" : "localhost");
    const std::string text(static_cast<std::size_t>(number) * 100, 'x');
    EXPECT_STREQ(ask(connection, "SET key:%d %s", number, text.c_str())->str, "OK");
    const Reply element = ask(connection, "BLPOP list 0");
    ASSERT_EQ(element->elements, 2u);
    EXPECT_STREQ(element->element[1]->str, "element");
    EXPECT_EQ(ask(connection, "GET key:%d", number)->str, text);
    EXPECT_EQ(ask(connection, "INCRBY sum %d", number)->type, REDIS_REPLY_INTEGER);
  };
  const Gate gate{.waiting = [&] { return counter(control, "blocked_clients"); },
                  .open =
                      [&] {
                        for (int i = 0; i < kClients; ++i) ask(control, "RPUSH list element");
                      }};
  expect_crowd(client, gate);
  EXPECT_EQ(ask(control, "GET sum")->str, std::to_string(kClients * (kClients - 1) / 2));
  EXPECT_EQ(ask(control, "LLEN list")->integer, 0);
}

TEST_F(RedisTest, AllShareAPool) {
  constexpr int kPooled = 8;
  constexpr int kUses = 5 * kClients;
  run_in_scheduler([&] {
    std::vector<Connection> connections;
    for (int i = 0; i < kPooled; ++i) connections.push_back(connect());
    Pool pool(std::move(connections));
    TaskGroup clients;
    for (int i = 0; i < kUses; ++i) {
      clients.spawn([&pool] {
        Connection connection = pool.take();
        ask(connection, "INCR uses");
        pool.give_back(std::move(connection));
      });
    }
    clients.join();
    const Connection connection = pool.take();
    EXPECT_EQ(ask(connection, "GET uses")->str, std::to_string(kUses));
    EXPECT_EQ(counter(connection, "connected_clients"), kPooled);
  });
}

TEST_F(RedisTest, ATimeLimitEndsACommand) {
  run_in_scheduler([this] {
    const Connection connection = connect();
    const TimeLimit limit(20ms);
    const Reply reply(static_cast<redisReply*>(redisCommand(connection.get(), "BLPOP never 0")));
    EXPECT_EQ(errno, ETIMEDOUT);
    EXPECT_FALSE(reply);
    EXPECT_EQ(connection->err, REDIS_ERR_IO);
  });
}

}  // namespace
}  // namespace colibri::test
