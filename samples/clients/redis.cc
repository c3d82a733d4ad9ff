// hiredis as it is: 200 workers on one thread wait for jobs in a Redis list, each on a connection
// of its own.
//
//   redis-server --port 6379 &
//   bazel run --config=opt //samples/clients:redis -- 6379
//
// BLPOP blocks until there is an element. Here it parks a coroutine; hiredis knows nothing of that.
// Prints:
//
// 200 workers wait for jobs
// 1000 jobs done, sum 499500
// a worker gave up after 20 ms: Connection timed out
#include <hiredis/hiredis.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "colibri/colibri.h"

using namespace std::chrono_literals;

namespace {

constexpr int kWorkers = 200;
constexpr int kJobs = 1000;
constexpr const char* kList = "colibri-sample-jobs";

struct Free {
  void operator()(redisContext* connection) const { redisFree(connection); }
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Connection = std::unique_ptr<redisContext, Free>;
using Reply = std::unique_ptr<redisReply, Free>;

Connection connect_to(int port) {
  Connection connection(redisConnect("127.0.0.1", port));
  if (!connection || connection->err != 0) throw std::runtime_error("no connection to Redis");
  return connection;
}

template <class... Arguments>
Reply ask(const Connection& connection, const char* format, Arguments... arguments) {
  Reply reply(static_cast<redisReply*>(redisCommand(connection.get(), format, arguments...)));
  if (!reply) throw std::runtime_error(connection->errstr);
  return reply;
}

/// What the workers have done. Needs no lock: all are on one thread.
struct Done {
  int jobs = 0;
  int sum = 0;
};

/// Does jobs until it is told to go.
void work(int port, Done& done) {
  const Connection connection = connect_to(port);
  for (;;) {
    const Reply reply = ask(connection, "BLPOP %s 0", kList);
    const std::string job = reply->element[1]->str;
    if (job == "go") return;
    ++done.jobs;
    done.sum += std::stoi(job);
  }
}

void hire_workers(int port, const Connection& connection) {
  Done done;
  colibri::TaskGroup workers;
  for (int i = 0; i < kWorkers; ++i) workers.spawn(work, port, std::ref(done));
  const std::string all = "blocked_clients:" + std::to_string(kWorkers) + "\r";
  while (std::string(ask(connection, "INFO clients")->str).find(all) == std::string::npos) {
    colibri::sleep_for(5ms);
  }
  std::printf("%d workers wait for jobs\n", kWorkers);
  for (int i = 0; i < kJobs; ++i) ask(connection, "RPUSH %s %d", kList, i);
  for (int i = 0; i < kWorkers; ++i) ask(connection, "RPUSH %s go", kList);
  workers.join();
  std::printf("%d jobs done, sum %d\n", done.jobs, done.sum);
}

void give_up(int port) try {
  const Connection connection = connect_to(port);
  const colibri::TimeLimit limit(20ms);
  ask(connection, "BLPOP %s 0", kList);
} catch (const std::runtime_error& error) {
  std::printf("a worker gave up after 20 ms: %s\n", error.what());
}

}  // namespace

int main(int count, char** arguments) {
  const int port = count > 1 ? std::atoi(arguments[1]) : 6379;
  return colibri::run([port] {
    const Connection connection = connect_to(port);
    ask(connection, "DEL %s", kList);
    hire_workers(port, connection);
    give_up(port);
  });
}
