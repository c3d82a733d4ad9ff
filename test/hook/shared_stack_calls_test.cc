// Calls that helpers, children or the kernel answer, made by coroutines that share a stack: while
// one waits, its bytes lie elsewhere, and another's lie where its buffers were.
#include <gtest/gtest.h>
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "test/support/channels.h"
#include "test/support/child_process.h"
#include "test/support/run_in_scheduler.h"

namespace colibri::test {
namespace {

constexpr int kCoroutines = 12;

/// Runs `body(i)` in coroutines that share one stack. `body` holds nothing by reference.
void on_one_stack(void (*body)(int)) {
  run_in_scheduler(
      [body] {
        std::vector<Task<void>> tasks;
        for (int i = 0; i < kCoroutines; ++i) tasks.push_back(spawn(body, i));
        for (auto& task : tasks) task.join();
      },
      {.stacks = StackChoice::parse("shared:1x256k")});
}

TEST(SharedStackCalls, ReadAndWriteFiles) {
  on_one_stack([](int i) {
    const char* root = getenv("TEST_TMPDIR");
    char path[1000];
    snprintf(path, sizeof path, "%s/XXXXXX", root != nullptr ? root : "/var/tmp");
    const int file = mkstemp(path);
    unlink(path);
    char text[30'000];
    memset(text, 'a' + i, sizeof text);
    EXPECT_EQ(write(file, text, sizeof text), 30'000);
    EXPECT_EQ(pwrite(file, "hello", 5, 10'000), 5);
    EXPECT_EQ(fsync(file), 0);
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    char back[30'000] = {};
    EXPECT_EQ(pread(file, back, sizeof back, 0), 30'000);
    memcpy(text + 10'000, "hello", 5);
    EXPECT_EQ(memcmp(text, back, sizeof text), 0);
    posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    memset(back, 0, sizeof back);
    EXPECT_EQ(lseek(file, 0, SEEK_SET), 0);
    EXPECT_EQ(read(file, back, sizeof back), 30'000);
    EXPECT_EQ(memcmp(text, back, sizeof text), 0);
    EXPECT_EQ(flock(file, LOCK_EX), 0);
    close(file);
  });
}

TEST(SharedStackCalls, LookUpNames) {
  on_one_stack([](int i) {
    passwd user{};
    passwd* found = nullptr;
    char buffer[2000];
    EXPECT_EQ(getpwnam_r("root", &user, buffer, sizeof buffer, &found), 0);
    EXPECT_EQ(found, &user);
    EXPECT_STREQ(user.pw_dir, "/root");
    const passwd* kept = getpwuid(0);
    EXPECT_STREQ(kept->pw_name, "root");
    char service[16];
    snprintf(service, sizeof service, "%d", 100 + i);
    addrinfo hints{};
    hints.ai_family = AF_INET;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    EXPECT_EQ(getaddrinfo("localhost", service, &hints, &list), 0);
    char host[100] = "";
    char port[100] = "";
    EXPECT_EQ(getnameinfo(list->ai_addr, list->ai_addrlen, host, sizeof host, port, sizeof port,
                          NI_NUMERICSERV),
              0);
    EXPECT_STREQ(host, "localhost");
    EXPECT_STREQ(port, service);
    freeaddrinfo(list);
    EXPECT_STREQ(kept->pw_name, "root") << "others have looked up theirs meanwhile";
  });
}

TEST(SharedStackCalls, WaitForProcesses) {
  on_one_stack([](int i) {
    flush_before_fork();
    const pid_t child = fork();
    if (child == 0) {
      real::usleep(2000);
      _exit(i);
    }
    int status = 0;
    siginfo_t info{};
    EXPECT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
    EXPECT_EQ(info.si_status, i);
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), i);
    char command[32];
    snprintf(command, sizeof command, "exit %d", i);
    EXPECT_EQ(WEXITSTATUS(system(command)), i);
    EXPECT_EQ(WEXITSTATUS(pclose(popen(command, "w"))), i);
  });
}

TEST(SharedStackCalls, ReceiveManyMessages) {
  on_one_stack([](int i) {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    char text[2][100] = {};
    iovec pieces[2] = {{text[0], 100}, {text[1], 100}};
    mmsghdr messages[2] = {};
    for (int j = 0; j < 2; ++j) {
      messages[j].msg_hdr.msg_iov = &pieces[j];
      messages[j].msg_hdr.msg_iovlen = 1;
    }
    auto sender = spawn([number = ends[1], i] {
      for (int j = 0; j < 2; ++j) {
        usleep(500);
        const char byte = static_cast<char>('a' + i + j);
        EXPECT_EQ(send(number, &byte, 1, 0), 1);
      }
    });
    EXPECT_EQ(recvmmsg(ends[0], messages, 2, 0, nullptr), 2);
    EXPECT_EQ(text[0][0], 'a' + i);
    EXPECT_EQ(text[1][0], 'b' + i);
    sender.join();
    close(ends[0]);
    close(ends[1]);
  });
}

}  // namespace
}  // namespace colibri::test
