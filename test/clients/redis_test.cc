// hiredis against redis-server.
#include <gtest/gtest.h>
#include <hiredis/hiredis.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string>

#include "colibri/core/deadline.h"
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

class RedisTest : public testing::Test {
 protected:
  Connection connect() const { return Connection(redisConnect("127.0.0.1", server_.port())); }

  template <class... Arguments>
  static Reply ask(const Connection& connection, const char* format, Arguments... arguments) {
    Reply reply(static_cast<redisReply*>(redisCommand(connection.get(), format, arguments...)));
    if (!reply) throw std::runtime_error(std::string("redis: ") + connection->errstr);
    return reply;
  }

  static int waiting_clients(const Connection& connection) {
    const std::string info = ask(connection, "INFO clients")->str;
    const std::string name = "blocked_clients:";
    return std::stoi(info.substr(info.find(name) + name.size()));
  }

 private:
  TemporaryFolder folder_;
  ServerProcess server_{folder_, redis_server(folder_)};
};

TEST_F(RedisTest, AllWaitForAnElementAtOnce) {
  const Connection control = connect();
  const auto client = [this](int number) {
    const Connection connection = connect();
    ASSERT_EQ(connection->err, 0) << connection->errstr;
    const std::string text(static_cast<std::size_t>(number) * 100, 'x');
    EXPECT_STREQ(ask(connection, "SET key:%d %s", number, text.c_str())->str, "OK");
    const Reply element = ask(connection, "BLPOP list 0");
    ASSERT_EQ(element->elements, 2u);
    EXPECT_STREQ(element->element[1]->str, "element");
    EXPECT_EQ(ask(connection, "GET key:%d", number)->str, text);
    EXPECT_EQ(ask(connection, "INCRBY sum %d", number)->type, REDIS_REPLY_INTEGER);
  };
  const Gate gate{.waiting = [&] { return waiting_clients(control); },
                  .open =
                      [&] {
                        for (int i = 0; i < kClients; ++i) ask(control, "RPUSH list element");
                      }};
  expect_crowd(client, gate);
  EXPECT_EQ(ask(control, "GET sum")->str, std::to_string(kClients * (kClients - 1) / 2));
  EXPECT_EQ(ask(control, "LLEN list")->integer, 0);
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
