// Listeners: TCP and the Unix domain.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <filesystem>
#include <thread>

#include "colibri/core/libc.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/net/tcp_listener.h"
#include "colibri/net/unix_stream.h"
#include "test/net/loopback.h"
#include "test/support/run_in_scheduler.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::error_of_call;
using test::run_in_scheduler;

/// A path that does not exist yet.
std::string fresh_path() {
  return std::filesystem::temp_directory_path() / test::fresh_name();
}

TEST(TcpListener, AcceptsAllOfSeveralThatCameAtOnce) {
  run_in_scheduler([] {
    TcpListener listener("127.0.0.1:0");
    auto acceptor = spawn([&] {
      std::vector<TcpStream> accepted;
      while (accepted.size() < 20) accepted.push_back(listener.accept());
    });
    yield();
    std::vector<TcpStream> clients;
    for (int i = 0; i < 20; ++i) clients.push_back(TcpStream::connect(listener.address()));
    acceptor.join();
  });
}

TEST(TcpListener, TriesWithoutWaiting) {
  run_in_scheduler([] {
    TcpListener listener("127.0.0.1:0");
    EXPECT_FALSE(listener.try_accept());
    const TcpStream client = TcpStream::connect(listener.address());
    EXPECT_TRUE(listener.try_accept());
    EXPECT_FALSE(listener.try_accept());
  });
}

TEST(TcpListener, PassesOverAConnectionThatWasGivenUp) {
  run_in_scheduler([] {
    TcpListener listener("127.0.0.1:0");
    TcpStream::connect(listener.address()).reset();
    TcpStream client = TcpStream::connect(listener.address());
    client.write_all("hello");
    client.shutdown_write();
    // The kernel may hand out the one that was reset.
    for (;;) {
      TcpStream accepted = listener.accept();
      std::string text;
      if (error_of_call([&] { text = test::read_all(accepted); }) == ECONNRESET) continue;
      EXPECT_EQ(text, "hello");
      break;
    }
  });
}

TEST(TcpListener, AcceptEndsByATimeLimitByCancelAndByClose) {
  run_in_scheduler([] {
    TcpListener listener("127.0.0.1:0");
    EXPECT_EQ(error_of_call([&] {
                const TimeLimit limit(milliseconds(2));
                listener.accept();
              }),
              ETIMEDOUT);
    auto canceled = spawn([&] { listener.accept(); });
    yield();
    canceled.cancel();
    EXPECT_THROW(canceled.join(), Canceled);
    auto closed = spawn([&] { return error_of_call([&] { listener.accept(); }); });
    yield();
    listener.close();
    EXPECT_EQ(closed.join(), EBADF);
  });
}

TEST(TcpListener, RefusesWhatCannotBe) {
  run_in_scheduler([] {
    const TcpListener taken("127.0.0.1:0");
    EXPECT_EQ(test::text_of_error([&] { TcpListener again(taken.address()); }),
              "bind to " + taken.address().to_string() + ": Address already in use");
    EXPECT_EQ(error_of_call([] { TcpListener listener("192.0.2.1:0"); }), EADDRNOTAVAIL);
    EXPECT_EQ(error_of_call([] { TcpListener listener("unix:/x"); }), EAFNOSUPPORT);
    EXPECT_THROW(TcpListener("127.0.0.1"), AddressError);
    const Socket connected = Socket::open("127.0.0.1:0", SOCK_STREAM);
    EXPECT_EQ(error_of_call([&] { TcpListener::adopt(connected.descriptor()); }), EINVAL);
  });
}

TEST(TcpListener, SharesItsPortWhenAskedTo) {
  run_in_scheduler([] {
    const TcpListener first("127.0.0.1:0", {.reuse_port = true});
    const TcpListener second(first.address(), {.reuse_port = true});
    EXPECT_EQ(first.address(), second.address());
  });
}

TEST(TcpListener, IsReleasedAndAdopted) {
  run_in_scheduler([] {
    TcpListener listener("127.0.0.1:0");
    const Address address = listener.address();
    TcpListener adopted = TcpListener::adopt(listener.release());
    EXPECT_FALSE(listener.is_open());
    const TcpStream client = TcpStream::connect(address);
    adopted.accept();
  });
}

TEST(TcpListener, ReportsThatThereAreNoDescriptorsAndLosesNobody) {
  if (test::in_valgrind()) GTEST_SKIP() << "Valgrind lets nobody run out of descriptors";
  run_in_scheduler([] {
    TcpListener listener("127.0.0.1:0");
    const TcpStream client = TcpStream::connect(listener.address());
    rlimit old{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
    const OwnedDescriptor lowest_free(real::dup(0));
    rlimit few = old;
    few.rlim_cur = static_cast<rlim_t>(lowest_free.number());
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    const int error = error_of_call([&] { listener.accept(); });
    setrlimit(RLIMIT_NOFILE, &old);
    EXPECT_EQ(error, EMFILE);
    listener.accept();
  });
}

TEST(UnixListener, IsReachedByPathAndByAbstractName) {
  run_in_scheduler([] {
    const std::string path = fresh_path();
    for (const std::string& name : {path, '@' + path}) {
      UnixListener listener("unix:" + name);
      UnixStream client = UnixStream::connect(listener.address());
      UnixStream server = listener.accept();
      client.write_all("x");
      EXPECT_EQ(test::read_text(server, 1), "x");
      EXPECT_EQ(client.local_address().path(), "");
    }
    std::filesystem::remove(path);
  });
}

TEST(UnixListener, TakesOverAPathThatNobodyServes) {
  run_in_scheduler([] {
    const Address address("unix:" + fresh_path());
    { const UnixListener dead(address); }
    EXPECT_EQ(error_of_call([&] { UnixStream::connect(address); }), ECONNREFUSED);
    UnixListener listener(address);
    const UnixStream client = UnixStream::connect(address);
    listener.accept();
    EXPECT_EQ(error_of_call([&] { UnixListener second(address); }), EADDRINUSE)
        << "this one is served";
    std::filesystem::remove(address.path());
    EXPECT_EQ(error_of_call([&] { UnixStream::connect(address); }), ENOENT);
  });
}

TEST(UnixListener, WhoConnectsWaitsForRoom) {
  run_in_scheduler([] {
    UnixListener listener("unix:@" + test::fresh_name(), 1);
    const Address address = listener.address();
    std::vector<UnixStream> clients;
    for (int i = 0; i < 2; ++i) clients.push_back(UnixStream::connect(address));
    EXPECT_EQ(
        error_of_call([&] { UnixStream::connect(address, Deadline::after(milliseconds(3))); }),
        ETIMEDOUT);
    auto waiting = spawn([&] { UnixStream::connect(address); });
    sleep_for(milliseconds(3));
    EXPECT_FALSE(waiting.done());
    listener.accept();
    waiting.join();
    listener.accept();
    EXPECT_EQ(error_of_call([] { UnixStream::connect("127.0.0.1:1"); }), EAFNOSUPPORT);
  });
}

TEST(UnixStream, PassesDescriptors) {
  run_in_scheduler([] {
    auto [near, far] = UnixStream::pair();
    auto [first, second] = UnixStream::pair();
    const int both[] = {first.descriptor(), second.descriptor()};
    std::vector<OwnedDescriptor> got;
    std::array<std::byte, 10> buffer;
    auto reader = spawn([&, &other = far] { return other.read_with_descriptors(buffer, got); });
    yield();
    near.write_with_descriptors(std::as_bytes(std::span("abc", 3)), both);
    EXPECT_EQ(reader.join(), 3U);
    ASSERT_EQ(got.size(), 2U);
    EXPECT_EQ(real::fcntl(got[0].number(), F_GETFD), FD_CLOEXEC);
    UnixStream copy = UnixStream::adopt(got[0].release());
    copy.write_all("through the copy");
    EXPECT_EQ(test::read_text(second, 16), "through the copy");
  });
}

TEST(UnixStream, PassesAsManyDescriptorsAsTheKernelAllows) {
  run_in_scheduler([] {
    auto [near, far] = UnixStream::pair();
    const std::vector<int> many(UnixStream::kMostDescriptors, near.descriptor());
    std::array<std::byte, 1> byte{};
    near.write_with_descriptors(byte, many);
    std::vector<OwnedDescriptor> got;
    EXPECT_EQ(far.read_with_descriptors(byte, got), 1U);
    EXPECT_EQ(got.size(), many.size());
    const std::vector<int> too_many(many.size() + 1, near.descriptor());
    EXPECT_THROW(near.write_with_descriptors(byte, too_many), std::invalid_argument);
    EXPECT_THROW(near.write_with_descriptors({}, many), std::invalid_argument);
  });
}

TEST(UnixStream, BytesBeforeDescriptorsDoNotHideThem) {
  run_in_scheduler([] {
    auto [near, far] = UnixStream::pair();
    const int itself[] = {near.descriptor()};
    std::vector<OwnedDescriptor> got;
    std::array<std::byte, 100> buffer;
    // A read ends where bytes with descriptors begin: short, with data left, and no further event.
    auto reader = spawn([&, &other = far] {
      std::size_t total = 0;
      while (total < 6) total += other.read_with_descriptors(buffer, got);
    });
    yield();
    near.write_all("abc");
    near.write_with_descriptors(std::as_bytes(std::span("def", 3)), itself);
    reader.join();
    EXPECT_EQ(got.size(), 1U);
  });
}

TEST(UnixStream, WithoutRoomForDescriptorsTheyAreLostAndThatIsSaid) {
  if (test::in_valgrind()) GTEST_SKIP() << "Valgrind lets nobody run out of descriptors";
  run_in_scheduler([] {
    auto [near, far] = UnixStream::pair();
    const int both[] = {near.descriptor(), far.descriptor()};
    std::array<std::byte, 1> byte{};
    near.write_with_descriptors(byte, both);
    rlimit old{};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &old), 0);
    OwnedDescriptor lowest_free(real::dup(0));
    rlimit few = old;
    few.rlim_cur = static_cast<rlim_t>(lowest_free.number()) + 1;
    lowest_free.close();  // so there is room for one
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    std::vector<OwnedDescriptor> got;
    const int error = error_of_call([&, &other = far] { other.read_with_descriptors(byte, got); });
    setrlimit(RLIMIT_NOFILE, &old);
    EXPECT_EQ(error, EMFILE);
    EXPECT_TRUE(got.empty());
  });
}

}  // namespace
}  // namespace colibri
