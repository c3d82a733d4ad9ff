// Resolver: who is asked how often, and what is remembered how long.
#include "colibri/net/resolver.h"

#include <gtest/gtest.h>
#include <netdb.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/net/tcp_listener.h"
#include "test/net/loopback.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using test::error_of_call;

/// Where the test's resolvers ask: knows every host, until told otherwise.
class NameServer {
 public:
  NameAnswer operator()(const std::string& host) {
    std::unique_lock lock(mutex_);
    ++asked_;
    opened_.wait(lock, [this] { return open_; });
    if (error_ != 0) return {.error = error_};
    return {.addresses = {Address::loopback_ipv4(static_cast<std::uint16_t>(host.size())),
                          Address::loopback_ipv6(1)}};
  }

  int asked() const {
    const std::lock_guard lock(mutex_);
    return asked_;
  }
  void fail_with(int error) {
    const std::lock_guard lock(mutex_);
    error_ = error;
  }
  /// Closed, it does not answer.
  void set_open(bool open) {
    const std::lock_guard lock(mutex_);
    open_ = open;
    opened_.notify_all();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable opened_;
  int asked_ = 0;
  int error_ = 0;
  bool open_ = true;
};

class ResolverTest : public testing::Test {
 protected:
  /// Remembers everything for an hour, unless told otherwise.
  Resolver make(ResolverOptions options) {
    options.look_up = [this](const std::string& host) { return server_(host); };
    return Resolver(std::move(options));
  }
  Resolver make() {
    return make({.fresh_for = hours(1), .usable_for = hours(1), .failures_for = hours(1)});
  }

  /// Descriptors are not counted: helper threads stay.
  static void in_coroutine(const std::function<void()>& body) {
    const test::StackLeakCheck leaks;
    run(body);
  }

  NameServer server_;
};

TEST_F(ResolverTest, AsksOnceAndRemembers) {
  in_coroutine([this] {
    const Resolver resolver = make();
    const std::vector<Address> expected = {"127.0.0.1:80", "[::1]:80"};
    EXPECT_EQ(resolver.resolve("one", 80), expected);
    EXPECT_EQ(resolver.resolve("one", 80), expected);
    EXPECT_EQ(resolver.resolve("one", 81).front().port(), 81);
    EXPECT_EQ(Resolver(resolver).resolve("one", 80), expected) << "a copy is the same one";
    EXPECT_EQ(server_.asked(), 1);
    resolver.resolve("two", 80);
    EXPECT_EQ(server_.asked(), 2);
  });
}

TEST_F(ResolverTest, AsksAgainWhenTheAnswerIsOldOrForgotten) {
  in_coroutine([this] {
    const Resolver resolver = make({.fresh_for = nanoseconds(0)});
    resolver.resolve("host", 1);
    resolver.resolve("host", 1);
    EXPECT_EQ(server_.asked(), 2);
    const Resolver other = make();
    other.resolve("host", 1);
    other.forget("host");
    other.forget("nobody");
    other.resolve("host", 1);
    EXPECT_EQ(server_.asked(), 4);
  });
}

TEST_F(ResolverTest, WhoAsksMeanwhileWaitsForTheSameAnswer) {
  in_coroutine([this] {
    server_.set_open(false);
    const Resolver resolver = make();
    std::vector<Task<std::vector<Address>>> tasks;
    for (int i = 0; i < 100; ++i)
      tasks.push_back(spawn([=] { return resolver.resolve("host", 7); }));
    std::thread thread([=] { EXPECT_EQ(resolver.resolve("host", 7).size(), 2U); });
    sleep_for(milliseconds(5));
    for (const auto& each : tasks) EXPECT_FALSE(each.done());
    server_.set_open(true);
    for (auto& each : tasks) EXPECT_EQ(each.join().size(), 2U);
    thread.join();
    EXPECT_EQ(server_.asked(), 1);
  });
}

TEST_F(ResolverTest, RemembersThatAHostIsNotKnown) {
  in_coroutine([this] {
    const Resolver resolver = make();
    server_.fail_with(EAI_NONAME);
    for (int i = 0; i < 3; ++i) {
      try {
        resolver.resolve("nobody.example", 1);
        FAIL();
      } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), std::error_code(EAI_NONAME, name_category()));
        EXPECT_EQ(std::string(error.what()),
                  std::string("resolve nobody.example: ") + gai_strerror(EAI_NONAME));
      }
    }
    EXPECT_EQ(server_.asked(), 1);
    const Resolver forgetful = make({.failures_for = nanoseconds(0)});
    EXPECT_EQ(error_of_call([&] { forgetful.resolve("x", 1); }), EAI_NONAME);
    server_.fail_with(0);
    EXPECT_EQ(forgetful.resolve("x", 1).size(), 2U);
  });
}

TEST_F(ResolverTest, AnOldAnswerIsBetterThanNone) {
  in_coroutine([this] {
    const Resolver resolver = make({.fresh_for = nanoseconds(0), .usable_for = hours(1)});
    resolver.resolve("host", 1);
    server_.fail_with(EAI_AGAIN);
    EXPECT_EQ(resolver.resolve("host", 1).size(), 2U) << "the server is away for now";
    EXPECT_EQ(server_.asked(), 2);
    resolver.forget("host");
    server_.fail_with(EAI_NONAME);
    EXPECT_EQ(error_of_call([&] { resolver.resolve("host", 1); }), EAI_NONAME)
        << "it says that the host is gone";
    const Resolver strict = make({.fresh_for = nanoseconds(0), .usable_for = nanoseconds(0)});
    server_.fail_with(0);
    strict.resolve("host", 1);
    server_.fail_with(EAI_AGAIN);
    EXPECT_EQ(error_of_call([&] { strict.resolve("host", 1); }), EAI_AGAIN);
  });
}

TEST_F(ResolverTest, GivesUpAtItsDeadlineByATimeLimitAndByCancel) {
  in_coroutine([this] {
    server_.set_open(false);
    const Resolver resolver = make();
    EXPECT_EQ(error_of_call([&] { resolver.resolve("host", 1, Deadline::after(milliseconds(2))); }),
              ETIMEDOUT);
    EXPECT_EQ(error_of_call([&] {
                const TimeLimit limit(milliseconds(2));
                resolver.resolve("host", 1);
              }),
              ETIMEDOUT);
    auto canceled = spawn([=] { resolver.resolve("host", 1); });
    yield();
    canceled.cancel();
    EXPECT_THROW(canceled.join(), Canceled);
    EXPECT_EQ(server_.asked(), 1);
    server_.set_open(true);
    EXPECT_EQ(resolver.resolve("host", 1).size(), 2U);
    EXPECT_EQ(server_.asked(), 1) << "the lookup went on";
  });
}

TEST_F(ResolverTest, KeepsSoManyNamesAndDropsTheOldest) {
  in_coroutine([this] {
    const Resolver resolver = make({.fresh_for = hours(1), .most_names = 3});
    for (const char* host : {"a", "b", "c", "d"}) resolver.resolve(host, 1);
    EXPECT_EQ(server_.asked(), 4);
    for (const char* host : {"b", "c", "d"}) resolver.resolve(host, 1);
    EXPECT_EQ(server_.asked(), 4);
    resolver.resolve("a", 1);
    EXPECT_EQ(server_.asked(), 5);
  });
}

TEST_F(ResolverTest, AsksNobodyWhatAnAddressIs) {
  in_coroutine([this] {
    const Resolver resolver = make();
    EXPECT_EQ(resolver.resolve("192.0.2.7", 80), std::vector<Address>{"192.0.2.7:80"});
    EXPECT_EQ(resolver.resolve("2001:db8::1", 80), std::vector<Address>{"[2001:db8::1]:80"});
    EXPECT_EQ(server_.asked(), 0);
  });
}

TEST_F(ResolverTest, AsksLibc) {
  in_coroutine([] {
    TcpListener listener("127.0.0.1:0");
    const Resolver resolver;
    const std::vector<Address> addresses = resolver.resolve("localhost", listener.address().port());
    TcpStream::connect(addresses, {.attempt_delay = milliseconds(20)});
    listener.accept();
    EXPECT_THROW(resolver.resolve("no such host, not even nearly", 1), std::system_error);
  });
}

}  // namespace
}  // namespace colibri
