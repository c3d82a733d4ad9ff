#include "samples/load_test/server_watch.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include "colibri/colibri.h"

namespace load_test {
namespace {

/// A socket that listens on a free port of `address`, 127.0.0.1 or ::1; invalid if it cannot.
Descriptor listen_on(int family, Endpoint& endpoint) {
  Descriptor listener(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  endpoint.address.ss_family = static_cast<sa_family_t>(family);
  if (family == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(endpoint.address).sin6_addr = in6addr_loopback;
    endpoint.size = sizeof(sockaddr_in6);
  } else {
    reinterpret_cast<sockaddr_in&>(endpoint.address).sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    endpoint.size = sizeof(sockaddr_in);
  }
  auto* address = reinterpret_cast<sockaddr*>(&endpoint.address);
  const bool listens = ::bind(listener.number(), address, endpoint.size) == 0 &&
                       ::listen(listener.number(), 1) == 0 &&
                       ::getsockname(listener.number(), address, &endpoint.size) == 0;
  return listens ? std::move(listener) : Descriptor();
}

TEST(ServerWatchTest, FindsWhoListens) {
  for (int family : {AF_INET, AF_INET6}) {
    Endpoint endpoint;
    Descriptor listener = listen_on(family, endpoint);
    if (!listener.valid() && family == AF_INET6) GTEST_SKIP() << "no IPv6 here";
    EXPECT_EQ(listeners_on(endpoint), std::vector<pid_t>{::getpid()});
    listener = Descriptor();
    EXPECT_TRUE(listeners_on(endpoint).empty()) << "nobody listens any more";
  }
}

TEST(ServerWatchTest, FindsNobodyOnAnotherMachine) {
  Endpoint endpoint;
  const Descriptor listener = listen_on(AF_INET, endpoint);
  auto& address = reinterpret_cast<sockaddr_in&>(endpoint.address);
  address.sin_addr.s_addr = htonl(0xC0000201);  // 192.0.2.1, which is for documentation
  EXPECT_TRUE(listeners_on(endpoint).empty());
}

TEST(ServerWatchTest, ReadsWhatAProcessUses) {
  ServerWatch watch({::getpid()});
  Schedule schedule(std::chrono::seconds(0), std::chrono::seconds(1), 1, false);
  schedule.arrive(1);
  colibri::run([&] {
    const auto task = colibri::spawn([&] { watch.watch(schedule); });
    while (watch.seconds().empty()) colibri::sleep_for(std::chrono::milliseconds(5));
  });
  EXPECT_GE(watch.seconds().front().processors, 0);
  EXPECT_GT(watch.seconds().front().resident_bytes, 100'000U);
}

TEST(ServerWatchTest, EndsWithoutAnybodyToWatch) {
  const Schedule schedule(std::chrono::seconds(0), std::chrono::seconds(1), 1, false);
  ServerWatch watch({});
  colibri::run([&] { watch.watch(schedule); });
  EXPECT_TRUE(watch.seconds().empty());
}

}  // namespace
}  // namespace load_test
