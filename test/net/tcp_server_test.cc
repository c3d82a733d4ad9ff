// TcpServer: what becomes of connections, good ones and bad ones.
#include "colibri/net/tcp_server.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <stdexcept>

#include "colibri/core/libc.h"
#include "colibri/core/sanitizer.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/net/owned_descriptor.h"
#include "test/net/loopback.h"
#include "test/net/running_server.h"
#include "test/support/captured_stderr.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::comes_true;
using test::echo;
using test::echoes;
using test::error_of_call;
using test::read_all;
using test::read_text;
using test::run_in_scheduler;
using test::RunningServer;

TEST(TcpServer, ServesManyAtOnce) {
  run_in_scheduler([] {
    RunningServer server(echo);
    std::vector<TcpStream> clients;
    for (int i = 0; i < 100; ++i) clients.push_back(server.connect());
    for (int round = 0; round < 3; ++round) {
      for (TcpStream& client : clients) EXPECT_TRUE(echoes(client, "hello"));
    }
    EXPECT_EQ(server->counters().active, 100U);
    clients.clear();
    EXPECT_TRUE(comes_true([&] { return server->counters().active == 0; }));
    const TcpServerCounters counters = server.stop();
    EXPECT_EQ(counters.accepted, 100U);
    EXPECT_EQ(counters.completed, 100U);
  });
}

TEST(TcpServer, AnExceptionIsLoggedOnceASecondAndEndsThatConnectionOnly) {
  run_in_scheduler([] {
    const std::string log = test::stderr_of([] {
      RunningServer server([](TcpStream& stream) {
        if (read_text(stream, 1) == "!") throw std::runtime_error("the handler's own words");
        echo(stream);
      });
      TcpStream good = server.connect();
      good.write_all("-");
      for (int i = 0; i < 20; ++i) {
        TcpStream bad = server.connect();
        bad.write_all("!");
        EXPECT_EQ(read_all(bad), "") << "closed, and in order";
        EXPECT_TRUE(echoes(good, "still served"));
      }
      good.close();
      const TcpServerCounters counters = server.stop();
      EXPECT_EQ(counters.failed, 20U);
      EXPECT_EQ(counters.completed, 1U);
    });
    const std::size_t first = log.find("the handler's own words");
    ASSERT_NE(first, std::string::npos) << log;
    EXPECT_NE(log.find("127.0.0.1:"), std::string::npos) << log;
    EXPECT_LT(std::count(log.begin(), log.end(), '\n'), 20) << "not each of them";
  });
}

TEST(TcpServer, WhatIsNoExceptionOfTheStandardIsAFailureToo) {
  run_in_scheduler([] {
    const std::string log = test::stderr_of([] {
      RunningServer server([](TcpStream& stream) {
        stream.close();
        throw 5;
      });
      TcpStream client = server.connect();
      EXPECT_EQ(read_all(client), "");
      EXPECT_EQ(server.stop().failed, 1U);
    });
    EXPECT_NE(log.find("no std::exception"), std::string::npos) << log;
  });
}

TEST(TcpServer, APeerThatResetsIsCountedAndNotLogged) {
  run_in_scheduler([] {
    const std::string log = test::stderr_of([] {
      RunningServer server(echo);
      TcpStream client = server.connect();
      EXPECT_TRUE(echoes(client, "x"));
      client.reset();
      EXPECT_TRUE(comes_true([&] { return server->counters().active == 0; }));
      EXPECT_EQ(server.stop().lost, 1U);
    });
    EXPECT_EQ(log, "");
  });
}

TEST(TcpServer, WhoComesWhenAllPlacesAreTakenWaits) {
  run_in_scheduler([] {
    RunningServer server(echo, {.most_connections = 2});
    std::vector<TcpStream> clients;
    for (int i = 0; i < 5; ++i) {
      clients.push_back(server.connect());
      clients.back().write_all("x");
    }
    EXPECT_TRUE(comes_true([&] { return server->counters().active == 2; }));
    sleep_for(milliseconds(5));
    EXPECT_EQ(server->counters().accepted, 2U);
    for (TcpStream& client : clients) {
      EXPECT_EQ(read_text(client, 1), "x");
      EXPECT_LE(server->counters().active, 2U);
      client.close();
    }
    EXPECT_EQ(server.stop().completed, 5U);
  });
}

TEST(TcpServer, WithoutDescriptorsConnectionsWaitAndNobodyIsLost) {
  if (test::in_valgrind()) GTEST_SKIP() << "Valgrind lets nobody run out of descriptors";
  run_in_scheduler([] {
    const std::string log = test::stderr_of([] {
      RunningServer server(echo);
      TcpStream early = server.connect();
      EXPECT_TRUE(echoes(early, "x"));
      rlimit old{};
      ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
      OwnedDescriptor lowest_free(real::dup(0));
      rlimit few = old;
      few.rlim_cur = static_cast<rlim_t>(lowest_free.number()) + 1;
      lowest_free.close();
      ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
      TcpStream late = server.connect();  // this end takes the last one
      late.write_all("y");
      EXPECT_TRUE(comes_true([&] { return server->counters().accept_pauses >= 3; }));
      EXPECT_TRUE(echoes(early, "served meanwhile"));
      setrlimit(RLIMIT_NOFILE, &old);
      EXPECT_EQ(read_text(late, 1), "y");
      early.close();
      late.close();
      EXPECT_EQ(server.stop().completed, 2U);
    });
    EXPECT_NE(log.find("connections must wait to be accepted: Too many open files"),
              std::string::npos)
        << log;
    EXPECT_LE(std::count(log.begin(), log.end(), '\n'), 2) << log;
  });
}

TEST(TcpServer, WithoutMemoryForACoroutineAConnectionIsRefused) {
  run_in_scheduler([] {
    const std::string log = test::stderr_of([] {
      // More than there are addresses.
      RunningServer server(echo, {.connection = {.stack_bytes = std::size_t{1} << 46}});
      TcpStream client = server.connect();
      EXPECT_EQ(read_all(client), "");
      const TcpServerCounters counters = server.stop();
      EXPECT_EQ(counters.refused, 1U);
      EXPECT_EQ(counters.active, 0U);
    });
    EXPECT_NE(log.find("closed unserved"), std::string::npos) << log;
  });
}

TEST(TcpServer, SilentConnectionsEndByTheirTimeoutAndOthersGoOn) {
  run_in_scheduler([] {
    const std::string log = test::stderr_of([] {
      // One that speaks is trusted from then on: no test's result may depend on how fast it is.
      const auto trusting = [](TcpStream& stream) {
        stream.wait_readable();
        stream.set_timeouts({});
        echo(stream);
      };
      RunningServer server(trusting, {.timeouts = {.idle = milliseconds(300)}});
      TcpStream busy = server.connect();
      busy.write_all("x");
      EXPECT_EQ(read_text(busy, 1), "x");
      std::vector<TcpStream> silent;
      for (int i = 0; i < 20; ++i) silent.push_back(server.connect());
      // Each reads the end of its stream after some time.
      auto rounds = spawn([&] {
        for (TcpStream& each : silent) EXPECT_EQ(read_all(each), "");
      });
      while (!rounds.done()) {
        EXPECT_TRUE(echoes(busy, "x"));
        sleep_for(milliseconds(1));
      }
      rounds.join();
      EXPECT_EQ(server->counters().timed_out, 20U);
      busy.close();
      EXPECT_EQ(server.stop().completed, 1U);
    });
    EXPECT_EQ(log, "");
  });
}

TEST(TcpServer, APeerThatReadsNothingEndsByTheWriteTimeout) {
  run_in_scheduler([] {
    const std::string text = test::test_text(20'000'000);
    RunningServer server([&](TcpStream& stream) { stream.write_all(text); },
                         {.timeouts = {.write = milliseconds(20)}});
    const TcpStream client = server.connect();
    EXPECT_TRUE(comes_true([&] { return server->counters().timed_out == 1; }));
    server.stop();
  });
}

// Stopping ---------------------------------------------------------------------------------------

TEST(TcpServer, StopLetsConnectionsEndThatDoSoInTime) {
  run_in_scheduler([] {
    RunningServer server(echo, {.drain = seconds(60)});
    TcpStream client = server.connect();
    EXPECT_TRUE(echoes(client, "before"));
    server->stop();
    EXPECT_TRUE(server->stopping());
    EXPECT_TRUE(
        comes_true([&] { return error_of_call([&] { server.connect(); }) == ECONNREFUSED; }));
    EXPECT_TRUE(echoes(client, "after"));
    client.close();
    const TcpServerCounters counters = server.stop();
    EXPECT_EQ(counters.canceled, 0U);
    EXPECT_EQ(counters.completed, counters.accepted);
  });
}

TEST(TcpServer, StopCancelsConnectionsThatDoNotEndInTime) {
  run_in_scheduler([] {
    RunningServer server(echo, {.drain = milliseconds(5)});
    std::vector<TcpStream> clients;
    for (int i = 0; i < 10; ++i) {
      clients.push_back(server.connect());
      EXPECT_TRUE(echoes(clients.back(), "x"));
    }
    EXPECT_EQ(server.stop().canceled, 10U);
    for (TcpStream& client : clients) EXPECT_EQ(read_all(client), "");
  });
}

TEST(TcpServer, StopServesThoseWhomTheKernelHasTaken) {
  run_in_scheduler([] {
    RunningServer server(echo, {.most_connections = 1, .drain = seconds(60)});
    TcpServer waiting("127.0.0.1:0", echo, {.drain = seconds(60)});
    TcpStream client = TcpStream::connect(waiting.address());
    waiting.stop();
    auto run = spawn([&] { waiting.run(); });
    EXPECT_TRUE(echoes(client, "taken before anybody accepted"));
    client.close();
    run.join();
    EXPECT_EQ(waiting.counters().completed, 1U);
    server.stop();
  });
}

TEST(TcpServer, AHandlerThatIgnoresTheEndIsLeftAlone) {
  run_in_scheduler([] {
    const std::string log = test::stderr_of([] {
      Event end;
      RunningServer server([end](TcpStream&) { end.wait_regardless(); },
                           {.drain = {}, .grace = milliseconds(2)});
      const TcpStream client = server.connect();
      EXPECT_TRUE(comes_true([&] { return server->counters().active == 1; }));
      EXPECT_EQ(server.stop().active, 1U);
      end.set();
      EXPECT_TRUE(comes_true([&] { return server->counters().active == 0; }));
    });
    EXPECT_NE(log.find("1 connections did not end"), std::string::npos) << log;
  });
}

TEST(TcpServer, CancellingRunCancelsAllConnections) {
  for (const std::size_t threads : {1U, 2U}) {
    run_in_scheduler([&] {
      RunningServer server(echo, {.threads = threads});
      TcpStream client = server.connect();
      EXPECT_TRUE(echoes(client, "x"));
      server.task().cancel();
      EXPECT_THROW(server.task().join(), Canceled);
      EXPECT_EQ(read_all(client), "");
      EXPECT_TRUE(comes_true([&] { return server->counters().canceled == 1; }));
    });
  }
}

TEST(TcpServer, AListenerThatFailsEndsTheServerWithItsError) {
  run_in_scheduler([] {
    TcpListener listener("127.0.0.1:0");
    const OwnedDescriptor copy(real::dup(listener.descriptor()));
    std::vector<TcpListener> listeners;
    listeners.push_back(std::move(listener));
    TcpServer server(std::move(listeners), echo);
    auto run = spawn([&] { server.run(); });
    yield();
    real::shutdown(copy.number(), SHUT_RDWR);
    EXPECT_EQ(error_of_call([&] { run.join(); }), EINVAL);
    EXPECT_THROW(TcpServer(std::vector<TcpListener>(), echo), std::invalid_argument);
  });
}

TEST(TcpServer, ASignalStopsIt) {
  if (kThreadSanitizer) GTEST_SKIP() << "it keeps a signal for the fiber that ran when it came";
  struct sigaction before {};
  ASSERT_EQ(real::sigaction(SIGTERM, nullptr, &before), 0);
  for (const std::size_t threads : {1U, 2U}) {
    run_in_scheduler([&] {
      RunningServer server(
          echo, {.threads = threads, .drain = milliseconds(5), .stop_signals = {SIGTERM, SIGINT}});
      TcpStream client = server.connect();
      EXPECT_TRUE(echoes(client, "x"));
      kill(getpid(), threads == 1 ? SIGTERM : SIGINT);
      server.task().join();
      EXPECT_EQ(server->counters().canceled, 1U);
    });
  }
  struct sigaction after {};
  ASSERT_EQ(real::sigaction(SIGTERM, nullptr, &after), 0);
  EXPECT_EQ(after.sa_handler, before.sa_handler);
}

// Several threads --------------------------------------------------------------------------------

TEST(TcpServer, SpreadsConnectionsOverItsThreads) {
  run_in_scheduler([] {
    const std::size_t count = test::scaled(1'000, 300, 200);
    RunningServer server(echo, {.threads = 2});
    ASSERT_EQ(server->threads(), 2U);
    std::vector<TcpStream> clients;
    for (std::size_t i = 0; i < count; ++i) clients.push_back(server.connect());
    for (TcpStream& client : clients) EXPECT_TRUE(echoes(client, "hello"));
    const std::size_t first = server->counters(0).active;
    const std::size_t second = server->counters(1).active;
    EXPECT_EQ(first + second, count);
    // No thread has more than 1.3 times its share. Six standard deviations of 200 are 42 more.
    EXPECT_LE(std::max(first, second), count * 13 / 20 + 12) << first << " and " << second;
    clients.clear();
    EXPECT_EQ(server.stop().completed, count);
  });
}

TEST(TcpServer, SeveralThreadsShareOneListener) {
  run_in_scheduler([] {
    std::vector<TcpListener> listeners;
    listeners.emplace_back("127.0.0.1:0");
    const Address address = listeners.front().address();
    TcpServer server(std::move(listeners), echo, {.threads = 2});
    auto run = spawn([&] { server.run(); });
    for (int i = 0; i < 50; ++i) {
      TcpStream client = TcpStream::connect(address);
      EXPECT_TRUE(echoes(client, "x"));
    }
    server.stop();
    run.join();
    EXPECT_EQ(server.counters().completed, 50U);
  });
}

TEST(TcpServer, SeveralThreadsHaveAFixedNumberOfPlacesEach) {
  run_in_scheduler([] {
    RunningServer server(echo, {.threads = 2, .most_connections = 4});
    std::vector<TcpStream> clients;
    for (int i = 0; i < 30; ++i) clients.push_back(server.connect());
    EXPECT_TRUE(comes_true([&] { return server->counters().active == 4; }));
    sleep_for(milliseconds(5));
    EXPECT_EQ(server->counters(0).active, 2U);
    EXPECT_EQ(server->counters(1).active, 2U);
    clients.clear();
    EXPECT_TRUE(comes_true([&] { return server->counters().accepted == 30; }));
    server.stop();
  });
}

}  // namespace
}  // namespace colibri
