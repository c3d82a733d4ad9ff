// The admin socket: who may come in, and what becomes of its path.
#include "colibri/core/inspect/admin_socket.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <system_error>
#include <thread>

#include "colibri/core/libc.h"
#include "test/support/leak_check.h"

namespace colibri {
namespace {

class AdminSocketTest : public testing::Test {
 protected:
  std::string path(const char* name) const { return folder_ + "/" + name; }

  static int connect_to(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.data(), path.size());
    const int client = real::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (real::connect(client, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
      return client;
    }
    real::close(client);
    return -1;
  }

 private:
  static std::string make_folder() {
    std::string name = "/tmp/colibri_adminXXXXXX";
    return ::mkdtemp(name.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  test::DescriptorLeakCheck leaks_;
  std::string folder_ = make_folder();
};

TEST_F(AdminSocketTest, IsItsOwnersAlone) {
  const AdminSocket socket(path("a"));
  struct stat status {};
  ASSERT_EQ(::stat(path("a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(status.st_uid, ::geteuid());
}

TEST_F(AdminSocketTest, GreetsThenTakesALineAndAnswers) {
  AdminSocket socket(path("a"));
  const int client = connect_to(path("a"));
  ASSERT_GE(client, 0);
  const int served = socket.accept();
  ASSERT_GE(served, 0);
  char greeting[64] = {};
  EXPECT_GT(real::recv(client, greeting, sizeof greeting - 1, 0), 0);
  EXPECT_STREQ(greeting, kAdminGreeting);
  ASSERT_TRUE(send_answer(client, "bt "));
  ASSERT_TRUE(send_answer(client, "12\nwhat comes after it\n"));
  std::string line;
  ASSERT_TRUE(read_request(served, line));
  EXPECT_EQ(line, "bt 12");
  // More than the socket takes at once.
  const std::string answer(4'000'000, 'x');
  std::string received;
  std::thread reader([&] {
    char bytes[65536];
    for (ssize_t size = 0; (size = real::recv(client, bytes, sizeof bytes, 0)) > 0;) {
      received.append(bytes, static_cast<std::size_t>(size));
    }
  });
  EXPECT_TRUE(send_answer(served, answer));
  real::close(served);
  reader.join();
  EXPECT_TRUE(received == answer);
  real::close(client);
}

TEST_F(AdminSocketTest, RefusesWhatIsNoLine) {
  AdminSocket socket(path("a"));
  std::string line;
  for (const std::string& bytes : {std::string("no end"), std::string(5000, 'x') + "\n"}) {
    const int client = connect_to(path("a"));
    const int served = socket.accept();
    ASSERT_TRUE(send_answer(client, bytes));
    real::shutdown(client, SHUT_WR);
    EXPECT_FALSE(read_request(served, line));
    real::close(served);
    real::close(client);
  }
  EXPECT_EQ(socket.accept(), -1) << "nobody waits";
}

TEST_F(AdminSocketTest, TakesItsPathAwayAndComesBack) {
  { const AdminSocket socket(path("a")); }
  EXPECT_FALSE(std::filesystem::exists(path("a")));
  const AdminSocket again(path("a"));
  EXPECT_TRUE(std::filesystem::exists(path("a")));
}

TEST_F(AdminSocketTest, StandsInForOneThatIsDeadAndForNothingElse) {
  {
    AdminSocket dead(path("a"));
    dead.forget_in_child();  // closed, and the path is left
  }
  ASSERT_TRUE(std::filesystem::exists(path("a")));
  const AdminSocket alive(path("a"));
  EXPECT_THROW(AdminSocket other(path("a")), std::system_error);
  const int client = connect_to(path("a"));
  EXPECT_GE(client, 0) << "the one that lives was left alone";
  real::close(client);
  const int file = ::creat(path("b").c_str(), 0600);
  real::close(file);
  EXPECT_THROW(AdminSocket other(path("b")), std::system_error);
  EXPECT_TRUE(std::filesystem::exists(path("b")));
}

TEST_F(AdminSocketTest, SaysWhatIsWrongWithAPath) {
  for (const std::string& wrong : {std::string(), path("no/such/folder"), std::string(200, 'x')}) {
    try {
      const AdminSocket socket(wrong);
      ADD_FAILURE() << wrong;
    } catch (const std::system_error& error) {
      EXPECT_NE(std::string(error.what()).find("admin socket \"" + wrong), std::string::npos);
    }
  }
}

TEST_F(AdminSocketTest, WritesTheProcessIntoThePath) {
  const AdminSocket socket(path("%p.socket"));
  EXPECT_EQ(socket.path(), path((std::to_string(::getpid()) + ".socket").c_str()));
}

}  // namespace
}  // namespace colibri
