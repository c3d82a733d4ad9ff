// MariaDB's connector (C) against mariadbd.
#include <errmsg.h>
#include <gtest/gtest.h>
#include <mysql.h>

#include <chrono>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include "colibri/core/deadline.h"
#include "test/clients/bounded_test.h"
#include "test/clients/crowd.h"
#include "test/clients/server_process.h"
#include "test/clients/servers.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

using namespace std::chrono_literals;

struct Deleter {
  void operator()(MYSQL* connection) const { mysql_close(connection); }
  void operator()(MYSQL_RES* result) const { mysql_free_result(result); }
};
using Connection = std::unique_ptr<MYSQL, Deleter>;

void tell(const Connection& connection, const std::string& statement) {
  if (mysql_real_query(connection.get(), statement.data(), statement.size()) != 0) {
    throw std::runtime_error(mysql_error(connection.get()));
  }
}

/// What a query gives in a column of its first row.
std::string ask(const Connection& connection, const std::string& query, unsigned column = 0) {
  tell(connection, query);
  const std::unique_ptr<MYSQL_RES, Deleter> result(mysql_store_result(connection.get()));
  const MYSQL_ROW row = result ? mysql_fetch_row(result.get()) : nullptr;
  if (row == nullptr) throw std::runtime_error("no row: " + query);
  return std::string(row[column], mysql_fetch_lengths(result.get())[column]);
}

class MariadbTest : public BoundedTest {
 protected:
  MariadbTest() {
    control_ = connect(false);
    tell(control_, "create database test");
    tell(control_, "create table test.numbers (id int primary key, word text)");
    for (int i = 0; i < kClients; ++i) {
      tell(control_, "insert into test.numbers values (" + std::to_string(i) + ", repeat('" +
                         std::to_string(i) + "', 5000))");
    }
    tell(control_, "lock tables test.numbers write");
  }

  void TearDown() override {
    if (HasFailure()) std::cerr << server_.log();
  }

  /// By TCP, or by a Unix socket.
  Connection connect(bool by_path) const {
    Connection connection(mysql_init(nullptr));
    if (mysql_real_connect(connection.get(), by_path ? nullptr : "127.0.0.1", "test", "", nullptr,
                           static_cast<unsigned>(server_.port()),
                           by_path ? folder_.path("socket").c_str() : nullptr, 0) == nullptr) {
      throw std::runtime_error(mysql_error(connection.get()));
    }
    return connection;
  }

  int waiting_clients() const {
    return std::stoi(ask(control_,
                         "select count(*) from information_schema.processlist "
                         "where state = 'Waiting for table metadata lock'"));
  }

  Connection control_;  // has the table for itself

 private:
  TemporaryFolder folder_;
  ServerProcess server_{folder_, mariadb_server(folder_)};
};

TEST_F(MariadbTest, AllWaitForATableAtOnce) {
  const auto client = [this](int number) {
    const Connection connection = connect(number % 2 == 0);
    const std::string text = std::to_string(number);
    EXPECT_EQ(ask(connection, "select " + text + " * 3"), std::to_string(number * 3));
    const std::string word = ask(connection, "select * from test.numbers where id = " + text, 1);
    EXPECT_EQ(word.size(), text.size() * 5'000);
    EXPECT_TRUE(word.starts_with(text) && word.ends_with(text));
  };
  expect_crowd(client, {.waiting = [this] { return waiting_clients(); },
                        .open = [this] { tell(control_, "unlock tables"); }});
  EXPECT_EQ(ask(control_, "show global status like 'Max_used_connections'", 1),
            std::to_string(kClients + 1));
}

TEST_F(MariadbTest, ATimeLimitEndsAQuery) {
  run_in_scheduler([this] {
    const Connection connection = connect(false);
    const TimeLimit limit(20ms);
    EXPECT_THROW(tell(connection, "select * from test.numbers"), std::runtime_error);
    EXPECT_EQ(mysql_errno(connection.get()), static_cast<unsigned>(CR_SERVER_LOST));
  });
}

}  // namespace
}  // namespace colibri::test
