// Connecting by TCP, to one address and to the first of several that answers.
#include <gtest/gtest.h>

#include <thread>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/net/tcp_listener.h"
#include "test/net/loopback.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::DeafPort;
using test::error_of_call;
using test::FullListener;
using test::run_in_scheduler;
using test::text_of_error;

/// No test waits so long unless something hangs.
constexpr milliseconds kLong{60'000};
constexpr milliseconds kShort{3};

TEST(TcpConnect, FindsAListener) {
  run_in_scheduler([] {
    TcpListener listener("127.0.0.1:0");
    const TcpStream client = TcpStream::connect(listener.address());
    const TcpStream server = listener.accept();
    EXPECT_EQ(client.peer_address(), listener.address());
    EXPECT_EQ(server.peer_address(), client.local_address());
  });
}

TEST(TcpConnect, IsRefusedWhereNobodyListens) {
  run_in_scheduler([] {
    const DeafPort port;
    EXPECT_EQ(text_of_error([&] { TcpStream::connect(port.address()); }),
              "connect to " + port.address().to_string() + ": Connection refused");
  });
}

TEST(TcpConnect, RefusesUnixAddressesAndNone) {
  run_in_scheduler([] {
    EXPECT_EQ(error_of_call([] { TcpStream::connect("unix:/x"); }), EAFNOSUPPORT);
    EXPECT_THROW(TcpStream::connect(std::span<const Address>()), std::invalid_argument);
  });
}

TEST(TcpConnect, EndsAtItsDeadlineByATimeLimitAndByCancel) {
  run_in_scheduler([] {
    const FullListener full;
    EXPECT_EQ(error_of_call([&] { TcpStream::connect(full.address(), Deadline::after(kShort)); }),
              ETIMEDOUT);
    EXPECT_EQ(error_of_call([&] {
                const TimeLimit limit(kShort);
                TcpStream::connect(full.address());
              }),
              ETIMEDOUT);
    auto task = spawn([&] { TcpStream::connect(full.address()); });
    sleep_for(milliseconds(1));
    EXPECT_FALSE(task.done());
    task.cancel();
    EXPECT_THROW(task.join(), Canceled);
  });
}

TEST(TcpConnect, WaitsUntilTheListenerHasRoom) {
  run_in_scheduler([] {
    FullListener full;
    auto task = spawn([&] { TcpStream::connect(full.address(), Deadline::after(kLong)); });
    sleep_for(kShort);
    EXPECT_FALSE(task.done());
    full.accept_all();  // the kernel sends its question again within some seconds
    task.join();
  });
}

TEST(TcpConnect, WorksInAPlainThread) {
  TcpListener listener("127.0.0.1:0");
  EXPECT_EQ(TcpStream::connect(listener.address()).peer_address(), listener.address());
  const DeafPort port;
  EXPECT_EQ(error_of_call([&] { TcpStream::connect(port.address()); }), ECONNREFUSED);
  const FullListener full;
  EXPECT_EQ(error_of_call([&] { TcpStream::connect(full.address(), Deadline::after(kShort)); }),
            ETIMEDOUT);
}

// Several addresses ------------------------------------------------------------------------------

class SeveralAddresses : public testing::TestWithParam<bool> {
 protected:
  /// In a coroutine and in a plain thread.
  static void run(const std::function<void()>& body) {
    if (GetParam()) {
      run_in_scheduler(body);
    } else {
      std::thread(body).join();
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Where, SeveralAddresses, testing::Bool(), [](const auto& parameter) {
  return std::string(parameter.param ? "InACoroutine" : "InAThread");
});

TEST_P(SeveralAddresses, TheFirstThatAnswersIsTaken) {
  run([] {
    const TcpListener listener("127.0.0.1:0");
    const TcpListener other("127.0.0.1:0");
    const Address addresses[] = {listener.address(), other.address()};
    EXPECT_EQ(TcpStream::connect(addresses).peer_address(), listener.address());
  });
}

TEST_P(SeveralAddresses, OneThatRefusesIsPassedOverAtOnce) {
  run([] {
    const DeafPort first;
    const DeafPort second;
    const TcpListener listener("127.0.0.1:0");
    const Address addresses[] = {first.address(), second.address(), listener.address()};
    EXPECT_EQ(TcpStream::connect(addresses, {.attempt_delay = kLong}).peer_address(),
              listener.address());
  });
}

TEST_P(SeveralAddresses, OneThatDoesNotAnswerIsOvertaken) {
  run([] {
    const FullListener first;
    const FullListener second;
    const TcpListener listener("127.0.0.1:0");
    const Address addresses[] = {first.address(), second.address(), listener.address()};
    EXPECT_EQ(TcpStream::connect(addresses, {.attempt_delay = kShort}).peer_address(),
              listener.address());
  });
}

TEST_P(SeveralAddresses, TheOneThatAnswersLateStillWins) {
  run([] {
    FullListener slow;
    const FullListener silent;
    const Address addresses[] = {slow.address(), silent.address()};
    std::thread makes_room([&] {
      std::this_thread::sleep_for(kShort);
      slow.accept_all();
    });
    EXPECT_EQ(TcpStream::connect(addresses, {.attempt_delay = kShort}).peer_address(),
              slow.address());
    makes_room.join();
  });
}

TEST_P(SeveralAddresses, WhenAllFailTheErrorNamesThemAll) {
  run([] {
    const DeafPort first;
    const DeafPort second;
    const Address addresses[] = {first.address(), second.address()};
    EXPECT_EQ(text_of_error([&] { TcpStream::connect(addresses); }),
              "connect to " + first.address().to_string() + " (Connection refused), nor to " +
                  second.address().to_string() + " (Connection refused): Connection refused");
  });
}

TEST_P(SeveralAddresses, TheDeadlineEndsAllAttempts) {
  run([] {
    const FullListener first;
    const FullListener second;
    const Address addresses[] = {first.address(), second.address()};
    EXPECT_EQ(error_of_call([&] {
                TcpStream::connect(
                    addresses, {.deadline = Deadline::after(3 * kShort), .attempt_delay = kShort});
              }),
              ETIMEDOUT);
  });
}

TEST(SeveralAddresses, CancelClosesAllAttempts) {
  run_in_scheduler([] {
    const FullListener first;
    const FullListener second;
    const std::vector<Address> addresses{first.address(), second.address()};
    auto task = spawn([&] { TcpStream::connect(addresses, {.attempt_delay = milliseconds(1)}); });
    sleep_for(kShort);
    task.cancel();
    EXPECT_THROW(task.join(), Canceled);
  });
}

TEST(SeveralAddresses, TheFamiliesTakeTurns) {
  run_in_scheduler([] {
    // Where there is no IPv6, its attempts fail at once, and IPv4 wins all the same.
    const TcpListener listener("127.0.0.1:0");
    const FullListener silent;
    const std::uint16_t port = listener.address().port();
    // By the order alone, the listener would be reached after two long delays.
    const Address addresses[] = {silent.address(), silent.address(), Address::loopback_ipv6(port),
                                 listener.address()};
    const DeafPort deaf;
    const Address refused_first[] = {Address::loopback_ipv6(deaf.address().port()),
                                     Address::loopback_ipv6(deaf.address().port()),
                                     listener.address()};
    EXPECT_EQ(TcpStream::connect(refused_first, {.attempt_delay = kLong}).peer_address(),
              listener.address());
    EXPECT_EQ(TcpStream::connect(addresses, {.attempt_delay = kShort}).peer_address(),
              listener.address());
  });
}

}  // namespace
}  // namespace colibri
