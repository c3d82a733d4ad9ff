// libpq against PostgreSQL.
#include <gtest/gtest.h>
#include <libpq-fe.h>

#include <cerrno>
#include <chrono>
#include <cstring>
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
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, Deleter>;

/// What a query gives in the first column of its first row.
std::string ask(const Connection& connection, const std::string& query) {
  const std::unique_ptr<PGresult, Deleter> result(PQexec(connection.get(), query.c_str()));
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
    throw std::runtime_error(PQerrorMessage(connection.get()));
  }
  return PQgetvalue(result.get(), 0, 0);
}

class PostgresTest : public BoundedTest {
 protected:
  PostgresTest() {
    control_ = connect("127.0.0.1");
    ask(control_, "select pg_advisory_lock(1)");
  }

  /// By TCP to an address, or by a Unix socket in a folder.
  Connection connect(const std::string& host) const {
    const std::string options =
        "host=" + host + " port=" + server_.port_text() + " user=test dbname=postgres";
    Connection connection(PQconnectdb(options.c_str()));
    if (PQstatus(connection.get()) != CONNECTION_OK) {
      throw std::runtime_error(PQerrorMessage(connection.get()));
    }
    return connection;
  }

  int waiting_clients() const {
    return std::stoi(ask(control_,
                         "select count(*) from pg_stat_activity "
                         "where wait_event_type = 'Lock' and wait_event = 'advisory'"));
  }

  const std::string& socket_folder() const { return folder_.path(); }

  Connection control_;  // has the lock

 private:
  TemporaryFolder folder_;
  ServerProcess server_{folder_, postgres_server(folder_)};
};

TEST_F(PostgresTest, AllWaitForALockAtOnce) {
  const auto client = [this](int number) {
    const Connection connection = connect(number % 2 == 0 ? "127.0.0.1" : socket_folder());
    const std::string text = std::to_string(number);
    EXPECT_EQ(ask(connection, "select " + text + " * 3"), std::to_string(number * 3));
    ask(connection, "select pg_advisory_lock_shared(1)");
    const std::string many = ask(connection, "select repeat('" + text + "', 100000)");
    EXPECT_EQ(many.size(), text.size() * 100'000);
    EXPECT_TRUE(many.starts_with(text) && many.ends_with(text));
  };
  expect_crowd(client, {.waiting = [this] { return waiting_clients(); },
                        .open = [this] { ask(control_, "select pg_advisory_unlock(1)"); }});
}

TEST_F(PostgresTest, ErrorsAreTheConnectionsOwn) {
  const auto client = [this](int number) {
    const Connection connection = connect("127.0.0.1");
    ask(connection, "select pg_advisory_lock_shared(1)");
    const std::string name = "missing_" + std::to_string(number);
    EXPECT_THROW(ask(connection, "select " + name), std::runtime_error);
    EXPECT_NE(std::string(PQerrorMessage(connection.get())).find(name), std::string::npos);
    EXPECT_EQ(ask(connection, "select 'still there'"), "still there");
  };
  expect_crowd(client, {.waiting = [this] { return waiting_clients(); },
                        .open = [this] { ask(control_, "select pg_advisory_unlock(1)"); }});
}

TEST_F(PostgresTest, ATimeLimitEndsAQuery) {
  run_in_scheduler([this] {
    const Connection connection = connect(socket_folder());
    const TimeLimit limit(20ms);
    EXPECT_THROW(ask(connection, "select pg_advisory_lock_shared(1)"), std::runtime_error);
    EXPECT_NE(std::string(PQerrorMessage(connection.get())).find(std::strerror(ETIMEDOUT)),
              std::string::npos)
        << PQerrorMessage(connection.get());
  });
}

}  // namespace
}  // namespace colibri::test
