// Restarts under load: nobody is refused, and no reply is lost.
#include <gtest/gtest.h>
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include "colibri/core/run.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/net/listener_handover.h"
#include "samples/echo_demo/child_process.h"
#include "samples/echo_demo/programs.h"
#include "test/net/loopback.h"
#include "test/support/scale.h"

namespace colibri {
namespace {

using echo_demo::ChildProcess;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Ends what hangs, and judges nothing.
constexpr seconds kHang{60};

/// A path in a folder for sockets, which is gone at the end.
class MeetingPoint {
 public:
  MeetingPoint() : path_(std::filesystem::temp_directory_path() / test::fresh_name()) {}
  ~MeetingPoint() { std::filesystem::remove(path_); }
  std::string text() const { return "unix:" + path_.string(); }

 private:
  std::filesystem::path path_;
};

/// Clients in a thread of their own, each of which connects, exchanges some messages and leaves,
/// again and again.
class Load {
 public:
  Load(const Address& address, std::size_t clients)
      : thread_([this, address, clients] { run(address, clients); }) {}
  ~Load() { stop(); }

  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  /// Waits for so many further replies; false when they do not come.
  bool exchanges(std::size_t number) const {
    const std::size_t goal = replies_ + number;
    const Deadline hang = Deadline::after(kHang);
    while (replies_ < goal && !hang.has_passed()) std::this_thread::sleep_for(milliseconds(1));
    return replies_ >= goal;
  }
  std::size_t failures() const { return failures_; }

 private:
  void run(const Address& address, std::size_t clients) {
    colibri::run([&] {
      std::vector<Task<void>> tasks;
      for (std::size_t i = 0; i < clients; ++i) {
        tasks.push_back(spawn([this, address, i] { be_a_client(address, i); }));
      }
      for (Task<void>& each : tasks) each.join();
    });
  }

  void be_a_client(const Address& address, std::size_t number) {
    for (std::size_t visit = number; !stop_; ++visit) {
      try {
        TcpStream stream = TcpStream::connect(address);
        stream.set_timeouts({.idle = kHang, .write = kHang});
        for (std::size_t message = 0; message < 1 + visit % 20; ++message) {
          const std::string text = test::test_text(1 + (visit * 31 + message) % 500);
          stream.write_all(text);
          if (test::read_text(stream, text.size()) != text) throw std::runtime_error("no reply");
          ++replies_;
        }
      } catch (const std::exception& error) {
        if (++failures_ == 1) ADD_FAILURE() << error.what();
      }
    }
  }

  std::atomic<bool> stop_{false};
  std::atomic<std::size_t> replies_{0};
  std::atomic<std::size_t> failures_{0};
  std::thread thread_;
};

std::unique_ptr<ChildProcess> start_server(const MeetingPoint& meeting_point,
                                           std::string& address) {
  auto server = std::make_unique<ChildProcess>(
      std::vector<std::string>{echo_demo::find_program("test/net/restarting_server"),
                               meeting_point.text()},
      std::nullopt);
  const std::string line = server->read_line(kHang);
  const std::string announcement = "listening on ";
  EXPECT_TRUE(line.starts_with(announcement)) << line;
  address = line.substr(announcement.size());
  return server;
}

TEST(Restart, TenTimesUnderLoadNobodyIsRefusedAndNoReplyIsLost) {
  const MeetingPoint meeting_point;
  std::string address;
  std::unique_ptr<ChildProcess> server = start_server(meeting_point, address);
  Load load(address, 20);
  const std::size_t exchanges = test::scaled(500, 100, 100);
  for (int restart = 0; restart < 10; ++restart) {
    ASSERT_TRUE(load.exchanges(exchanges)) << "before restart " << restart;
    std::string same_address;
    std::unique_ptr<ChildProcess> successor = start_server(meeting_point, same_address);
    EXPECT_EQ(same_address, address);
    EXPECT_EQ(server->await_end(kHang), 0) << server->take_output();
    server = std::move(successor);
  }
  EXPECT_TRUE(load.exchanges(exchanges));
  load.stop();
  EXPECT_EQ(load.failures(), 0U);
}

TEST(Restart, ASuccessorThatDiesBeforeItIsReadyChangesNothing) {
  const MeetingPoint meeting_point;
  std::string address;
  std::unique_ptr<ChildProcess> server = start_server(meeting_point, address);
  Load load(address, 5);
  run([&] {
    for (int i = 0; i < 3; ++i) {
      ListenerHandover gone(meeting_point.text());
      EXPECT_EQ(gone.take_listeners().size(), 1U);
    }
    // One that only calls, and says nothing.
    UnixStream::connect(meeting_point.text()).write_all("x");
  });
  EXPECT_TRUE(load.exchanges(100));
  load.stop();
  EXPECT_EQ(load.failures(), 0U);
  EXPECT_FALSE(server->has_ended());
  std::string same_address;
  const std::unique_ptr<ChildProcess> successor = start_server(meeting_point, same_address);
  EXPECT_EQ(same_address, address);
  EXPECT_EQ(server->await_end(kHang), 0);
}

TEST(Restart, AServerThatWasKilledIsSucceededByAFirstOne) {
  const MeetingPoint meeting_point;
  std::string address;
  { const std::unique_ptr<ChildProcess> killed = start_server(meeting_point, address); }
  const std::unique_ptr<ChildProcess> server = start_server(meeting_point, address);
  Load load(address, 2);
  EXPECT_TRUE(load.exchanges(10));
}

}  // namespace
}  // namespace colibri
