// libpq as it is: 50 slow queries at once on one thread, and one that takes too long.
//
//   bazel run --config=opt //samples/clients:postgres -- "host=/var/run/postgresql dbname=postgres"
//
// Prints:
//
// 50 queries, each half a second in the server; sum 1225
// too long: given up
#include <libpq-fe.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "colibri/colibri.h"

using namespace std::chrono_literals;

namespace {

constexpr int kQueries = 50;

struct Free {
  void operator()(PGconn* connection) const { PQfinish(connection); }
  void operator()(PGresult* result) const { PQclear(result); }
};

/// Asks on a connection of its own: what is in the last column of the first row.
std::string ask(const std::string& database, const std::string& query) {
  const std::unique_ptr<PGconn, Free> connection(PQconnectdb(database.c_str()));
  const std::unique_ptr<PGresult, Free> result(PQexec(connection.get(), query.c_str()));
  if (PQresultStatus(result.get()) != PGRES_TUPLES_OK) {
    throw std::runtime_error(PQerrorMessage(connection.get()));
  }
  return PQgetvalue(result.get(), 0, PQnfields(result.get()) - 1);
}

void ask_at_once(const std::string& database) {
  std::vector<colibri::Task<std::string>> answers;
  answers.reserve(kQueries);
  for (int i = 0; i < kQueries; ++i) {
    answers.push_back(colibri::spawn(ask, database, "select pg_sleep(0.5), " + std::to_string(i)));
  }
  int sum = 0;
  for (auto& answer : answers) sum += std::stoi(answer.join());
  std::printf("%d queries, each half a second in the server; sum %d\n", kQueries, sum);
}

void ask_too_much(const std::string& database) {
  const colibri::TimeLimit limit(200ms);
  try {
    ask(database, "select pg_sleep(60)");
  } catch (const std::runtime_error&) {
    std::printf("too long: given up\n");
  }
}

}  // namespace

int main(int count, char** arguments) {
  return colibri::run([database = std::string(count > 1 ? arguments[1] : "dbname=postgres")] {
    ask_at_once(database);
    ask_too_much(database);
  });
}
