// send_file and copy.
#include "colibri/net/transfer.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>

#include "colibri/core/libc.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/net/unix_stream.h"
#include "test/net/loopback.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::error_of_call;
using test::read_all;
using test::run_in_scheduler;
using test::test_text;

/// A file without a name.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content) : file_(std::tmpfile()) {
    EXPECT_EQ(std::fwrite(content.data(), 1, content.size(), file_), content.size());
    std::fflush(file_);
  }
  ~TemporaryFile() { std::fclose(file_); }
  int descriptor() const { return fileno(file_); }

 private:
  std::FILE* file_;
};

TEST(SendFile, SendsWhatWasAskedFor) {
  run_in_scheduler([] {
    const std::string text = test_text(5'000'000);
    const TemporaryFile file(text);
    test::TcpPair pair = test::tcp_pair();
    auto reader = spawn([&] { return read_all(pair.server); });
    EXPECT_EQ(send_file(pair.client, file.descriptor(), 1'000, 3'000'000), 3'000'000U);
    EXPECT_EQ(send_file(pair.client, file.descriptor(), 0, 0), 0U);
    pair.client.shutdown_write();
    EXPECT_EQ(reader.join(), text.substr(1'000, 3'000'000));
  });
}

TEST(SendFile, EndsWithTheFile) {
  run_in_scheduler([] {
    const TemporaryFile file("short");
    auto [near, far] = UnixStream::pair();
    EXPECT_EQ(send_file(near, file.descriptor(), 2, 100), 3U);
    EXPECT_EQ(send_file(near, file.descriptor(), 100, 100), 0U);
    near.shutdown_write();
    EXPECT_EQ(read_all(far), "ort");
  });
}

TEST(SendFile, FailsAsWritesDo) {
  run_in_scheduler([] {
    const TemporaryFile file(test_text(20'000'000));
    test::TcpPair pair = test::tcp_pair();
    pair.client.set_timeouts({.write = milliseconds(2)});
    EXPECT_EQ(error_of_call([&] { send_file(pair.client, file.descriptor(), 0, 20'000'000); }),
              ETIMEDOUT);
    auto [near, far] = UnixStream::pair();
    EXPECT_EQ(error_of_call([&stream = near] { send_file(stream, -1, 0, 1); }), EBADF);
    far.close();
    EXPECT_EQ(error_of_call([&, &stream = near] { send_file(stream, file.descriptor(), 0, 1); }),
              EPIPE)
        << "and no signal";
  });
}

TEST(Copy, PassesEverythingOnToTheEnd) {
  run_in_scheduler([] {
    test::TcpPair in = test::tcp_pair();
    test::TcpPair out = test::tcp_pair();
    const std::string text = test_text(5'000'000);
    auto writer = spawn([&] {
      in.client.write_all(text);
      in.client.shutdown_write();
    });
    auto reader = spawn([&] { return read_all(out.server); });
    EXPECT_EQ(copy(in.server, out.client), text.size());
    out.client.shutdown_write();
    EXPECT_EQ(reader.join(), text);
    writer.join();
  });
}

TEST(Copy, BetweenKindsAndInManySmallPieces) {
  run_in_scheduler([] {
    test::TcpPair in = test::tcp_pair();
    auto [near, far] = UnixStream::pair();
    std::string sent;
    auto writer = spawn([&] {
      for (std::size_t i = 0; i < 300; ++i) {
        sent += test_text(i % 50);
        in.client.write_all(test_text(i % 50));
        if (i % 10 == 0) sleep_for(milliseconds(1));
      }
      in.client.shutdown_write();
    });
    auto reader = spawn([&stream = far] { return read_all(stream); });
    copy(in.server, near);
    near.shutdown_write();
    EXPECT_EQ(reader.join(), sent);
    writer.join();
  });
}

TEST(Copy, EndsAtItsLimitAndLeavesTheRest) {
  run_in_scheduler([] {
    auto [from, middle] = UnixStream::pair();
    auto [out, to] = UnixStream::pair();
    from.write_all("headbody");
    EXPECT_EQ(copy(middle, out, 4), 4U);
    EXPECT_EQ(copy(middle, out, 0), 0U);
    EXPECT_EQ(test::read_text(to, 4), "head");
    EXPECT_EQ(test::read_text(middle, 4), "body");
  });
}

TEST(Copy, FailsAsReadsAndWritesDo) {
  run_in_scheduler([] {
    auto [from, middle] = UnixStream::pair();
    auto [out, to] = UnixStream::pair();
    middle.set_timeouts({.idle = milliseconds(2)});
    EXPECT_EQ(error_of_call([&, &a = middle, &b = out] { copy(a, b); }), ETIMEDOUT);
    out.set_timeouts({.write = milliseconds(2)});
    auto writer = spawn([&stream = from] { stream.write_all(test_text(5'000'000)); });
    EXPECT_EQ(error_of_call([&, &a = middle, &b = out] { copy(a, b); }), ETIMEDOUT);
    to.close();
    EXPECT_EQ(error_of_call([&, &a = middle, &b = out] { copy(a, b); }), EPIPE);
    writer.cancel();
    EXPECT_THROW(writer.join(), Canceled);
  });
}

TEST(Copy, ASignalThatWasOnItsWayStaysThere) {
  run_in_scheduler([] {
    auto [from, middle] = UnixStream::pair();
    auto [out, to] = UnixStream::pair();
    sigset_t broken_pipe;
    sigset_t before;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    real::pthread_sigmask(SIG_BLOCK, &broken_pipe, &before);
    raise(SIGPIPE);
    to.close();
    from.write_all("x");
    EXPECT_EQ(error_of_call([&, &a = middle, &b = out] { copy(a, b); }), EPIPE);
    const timespec at_once{};
    EXPECT_EQ(real::sigtimedwait(&broken_pipe, nullptr, &at_once), SIGPIPE);
    EXPECT_EQ(real::sigtimedwait(&broken_pipe, nullptr, &at_once), -1);
    real::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  });
}

}  // namespace
}  // namespace colibri
