// The log when nobody reads standard error.
#include "colibri/core/log_output.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <sys/wait.h>

#include <filesystem>
#include <thread>

#include "colibri/core/check.h"
#include "colibri/core/libc.h"
#include "colibri/core/log.h"
#include "colibri/core/log_sink.h"
#include "colibri/core/sanitizer.h"
#include "colibri/core/task.h"
#include "test/support/captured_stderr.h"
#include "test/support/child_process.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

/// While it lives, standard error is a pipe that nobody reads unless asked to.
class UnreadStderr {
 public:
  UnreadStderr() : saved_(real::fcntl(2, F_DUPFD_CLOEXEC, 3)) {
    int ends[2];
    EXPECT_EQ(real::pipe2(ends, O_CLOEXEC), 0);
    reader_ = ends[0];
    real::dup2(ends[1], 2);
    real::close(ends[1]);
    EXPECT_GE(real::fcntl(reader_, F_SETPIPE_SZ, 4096), 0);
  }
  ~UnreadStderr() {
    real::dup2(saved_, 2);
    real::close(saved_);
    real::close(reader_);
  }
  UnreadStderr(const UnreadStderr&) = delete;
  UnreadStderr& operator=(const UnreadStderr&) = delete;

  /// Reads until the queue is empty and the pipe, too.
  std::string read_all() const {
    std::string text;
    for (;;) {
      // Asked first: what it has written lies in the pipe then.
      const bool is_written = flush_log(std::chrono::milliseconds(1));
      if (!has_more() && is_written) return text;
      if (!has_more()) continue;
      char bytes[4096];
      const ssize_t size = real::read(reader_, bytes, sizeof bytes);
      if (size <= 0) return text;
      text.append(bytes, static_cast<std::size_t>(size));
    }
  }

 private:
  bool has_more() const {
    pollfd query{reader_, POLLIN, 0};
    return real::poll(&query, 1, 0) == 1;
  }

  int reader_;
  int saved_;
};

std::size_t threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(LogOutput, StartsNoThreadWhileItIsRead) {
  const std::size_t before = threads();
  const LogCounters counters = log_counters();
  test::stderr_of([] {
    for (int i = 0; i < 1000; ++i) log(LogLevel::kError, "into a file");
  });
  EXPECT_EQ(threads(), before);
  EXPECT_EQ(log_counters().messages, counters.messages + 1000);
  EXPECT_EQ(log_counters().queued, counters.queued);
}

TEST(LogOutput, NobodyWaitsForAReaderAndNothingIsLost) {
  const LogCounters before = log_counters();
  const UnreadStderr unread;
  int others = 0;
  test::run_in_scheduler([&others] {
    auto logging = spawn([] {
      for (int i = 0; i < 200; ++i) log(LogLevel::kError, "message " + std::to_string(i) + ";");
    });
    spawn([&others] { ++others; }).join();
    logging.join();
  });
  EXPECT_EQ(others, 1) << "all has ended though nothing was read";
  EXPECT_GT(log_counters().queued, before.queued);
  const std::string text = unread.read_all();
  std::size_t at = 0;
  for (int i = 0; i < 200 && at != std::string::npos; ++i) {
    at = text.find("message " + std::to_string(i) + ";\n", at);
    EXPECT_NE(at, std::string::npos) << i;
  }
  EXPECT_EQ(log_counters().dropped, before.dropped);
}

TEST(LogOutput, WhatDoesNotFitIsCountedAndSaid) {
  const LogCounters before = log_counters();
  const UnreadStderr unread;
  constexpr std::size_t kMessages = 2000;
  for (std::size_t i = 0; i < kMessages; ++i) log(LogLevel::kError, "a message like many others");
  const std::size_t dropped = log_counters().dropped - before.dropped;
  EXPECT_GT(dropped, 0U);
  const std::string text = unread.read_all();
  EXPECT_EQ(count_of(text, "a message like many others\n"), kMessages - dropped);
  EXPECT_THAT(text,
              EndsWith("since nobody read standard error: " + std::to_string(dropped) + "\n"));
}

TEST(LogOutput, ALongMessageIsNotTornFromItsEnd) {
  const UnreadStderr unread;
  const std::string longest(20'000, 'x');
  log(LogLevel::kError, longest + "!");
  log(LogLevel::kError, "the next");
  const std::string text = unread.read_all();
  EXPECT_THAT(text, HasSubstr(longest + "!\n["));
  EXPECT_THAT(text, EndsWith("the next\n"));
}

TEST(LogOutput, SeveralThreadsMixNoLines) {
  const UnreadStderr unread;
  std::thread threads[4];
  for (std::thread& each : threads) {
    each = std::thread([] {
      for (int i = 0; i < 50; ++i) log(LogLevel::kError, "one whole line");
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(count_of(unread.read_all(), "[colibri] [error] one whole line\n"), 200U);
}

constexpr char kNoThreadsInChildren[] =
    "ThreadSanitizer lets no child of a process with threads start one";

/// The child ends in `end` with a full queue; what its standard error was given until then.
std::string last_words_of_child(void (*end)()) {
  const UnreadStderr unread;
  test::flush_before_fork();
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 100; ++i) log(LogLevel::kError, "before the end");
    end();
    _exit(99);
  }
  std::string text;
  while (waitpid(child, nullptr, WNOHANG) == 0) text += unread.read_all();
  return text + unread.read_all();
}

TEST(LogOutput, ExitWaitsForTheQueue) {
  if (kThreadSanitizer) GTEST_SKIP() << kNoThreadsInChildren;
  const std::string text = last_words_of_child([] { exit(0); });
  EXPECT_EQ(count_of(text, "before the end\n"), 100U);
}

TEST(LogOutput, AFailedCheckWaitsForTheQueue) {
  if (kThreadSanitizer) GTEST_SKIP() << kNoThreadsInChildren;
  const std::string text = last_words_of_child([] { check(false, "a failed check"); });
  EXPECT_EQ(count_of(text, "before the end\n"), 100U);
  EXPECT_THAT(text, EndsWith("colibri: a failed check\n"));
}

TEST(LogOutput, AForkedChildDoesNotRepeatItsParentsMessages) {
  if (kThreadSanitizer) GTEST_SKIP() << kNoThreadsInChildren;
  const UnreadStderr unread;
  for (int i = 0; i < 100; ++i) log(LogLevel::kError, "the parent's");
  test::flush_before_fork();
  const pid_t child = fork();
  if (child == 0) {
    log(LogLevel::kError, "the child's");
    exit(0);
  }
  std::string text;
  while (waitpid(child, nullptr, WNOHANG) == 0) text += unread.read_all();
  text += unread.read_all();
  EXPECT_EQ(count_of(text, "the parent's\n"), 100U);
  EXPECT_EQ(count_of(text, "the child's\n"), 1U);
}

// The pattern ------------------------------------------------------------------------------------

TEST(LogSink, NamesTheCoroutine) {
  const std::string text = test::stderr_of([] {
    test::run_in_scheduler([] {
      spawn(SpawnOptions{.name = "checkout"}, [] {
        log(LogLevel::kError, std::to_string(thread_state.current->id));
      }).join();
      spawn([] { log(LogLevel::kError, "nameless"); }).join();
    });
    log(LogLevel::kError, "outside");
  });
  EXPECT_THAT(text, testing::ContainsRegex("\\[colibri\\] \\[([0-9]+) 'checkout'\\] \\[error\\] "));
  EXPECT_THAT(text, testing::ContainsRegex("\\[colibri\\] \\[[0-9]+\\] \\[error\\] nameless\n"));
  EXPECT_THAT(text, HasSubstr("[colibri] [error] outside\n"));
}

TEST(LogSink, ServesTheProgramsOwnLoggers) {
  const std::string text = test::stderr_of([] {
    spdlog::logger logger("shop", log_sink());
    logger.info("sold");
    logger.set_formatter(log_formatter("%n %*%v"));
    test::run_in_scheduler([&] { logger.info("again"); });
  });
  EXPECT_THAT(text, AllOf(HasSubstr("[shop] [info] sold\n"), HasSubstr("\nshop ["),
                          HasSubstr("] again\n"), Not(HasSubstr("shop again"))));
}

}  // namespace
}  // namespace colibri
