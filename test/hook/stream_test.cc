// Several flows on one stream of stdio: bytes go out once and in order, whoever is parked, flushes
// or exits meanwhile.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <wchar.h>

#include <memory>
#include <thread>
#include <vector>

#include "colibri/core/offload.h"
#include "colibri/core/sanitizer.h"
#include "colibri/core/sleep.h"
#include "test/support/channels.h"
#include "test/support/child_process.h"
#include "test/support/run_in_session.h"

/// True in children that call exit on the stack of a coroutine: what only that refers to is no
/// leak.
static bool exits_in_coroutine = false;

/// What LeakSanitizer asks at the end of the process.
extern "C" int __lsan_is_turned_off() {
  return exits_in_coroutine ? 1 : 0;
}

namespace colibri::test {
namespace {

constexpr int kLines = 200;

/// A stream on a copy of `number`; its user closes it.
FILE* stream_on(int number, const char* mode) {
  return fdopen(dup(number), mode);
}

/// A line of a thousand bytes, so that most calls find the buffer full.
void put_line(FILE* out, char writer, int number) {
  fprintf(out, "%c %03d %s\n", writer, number, std::string(993, writer).c_str());
}

void put_lines(FILE* out, char writer) {
  for (int i = 0; i < kLines; ++i) put_line(out, writer, i);
}

/// Reads to the end: every line is whole, each writer's come in order, and none is missing or
/// twice.
void expect_lines(FILE* in, const std::string& writers) {
  std::vector<int> next(writers.size());
  char* line = nullptr;
  std::size_t room = 0;
  ssize_t size = 0;
  while ((size = getline(&line, &room, in)) > 0) {
    const std::size_t writer = writers.find(line[0]);
    ASSERT_NE(writer, std::string::npos) << line;
    EXPECT_EQ(std::atoi(line + 2), next[writer]++);
    EXPECT_EQ(std::string(line + 6, static_cast<std::size_t>(size - 6)),
              std::string(993, writers[writer]) + "\n");
  }
  free(line);
  for (const int count : next) EXPECT_EQ(count, kLines);
}

/// What two flows share: on shared stacks no frame of one may be looked at by the other.
struct Shared {
  explicit Shared(Session& session) : ends(unix_stream_ends(session)) {
    make_buffers_small(session, ends);
    out = stream_on(ends.writer, "w");
    in = stream_on(ends.reader, "r");
    session.close(ends.writer);
  }
  ~Shared() { fclose(in); }
  void end_output() {
    fclose(out);
    out = nullptr;
  }

  const Ends ends;
  FILE* out = nullptr;
  FILE* in = nullptr;
};

TEST(Streams, TwoCoroutinesTearNoLine) {
  run_with_session_in_main([](Session& session) {
    const auto shared = std::make_shared<Shared>(session);
    auto one = spawn([shared] { put_lines(shared->out, 'a'); });
    auto two = spawn([shared] { put_lines(shared->out, 'b'); });
    auto end = spawn([&] {
      one.join();
      two.join();
      shared->end_output();
    });
    expect_lines(shared->in, "ab");
    end.join();
  });
}

TEST(Streams, AThreadAndACoroutineTearNoLine) {
  run_with_session_in_main([](Session& session) {
    const auto shared = std::make_shared<Shared>(session);
    std::thread one([shared] { put_lines(shared->out, 'a'); });
    auto two = spawn([shared] { put_lines(shared->out, 'b'); });
    auto end = spawn([&] {
      two.join();
      offload([&] { one.join(); });
      shared->end_output();
    });
    expect_lines(shared->in, "ab");
    end.join();
  });
}

TEST(Streams, TwoReadersShareTheLines) {
  run_with_session_in_main([](Session& session) {
    const auto shared = std::make_shared<Shared>(session);
    const auto count = std::make_shared<int>(0);
    const auto read_all = [shared, count] {
      char line[2000];
      while (fgets(line, sizeof line, shared->in) != nullptr) {
        EXPECT_EQ(std::string(line).size(), 1000u);
        ++*count;
      }
    };
    auto one = spawn(read_all);
    auto two = spawn(read_all);
    put_lines(shared->out, 'a');
    shared->end_output();
    one.join();
    two.join();
    EXPECT_EQ(*count, kLines);
  });
}

TEST(Streams, TheInlineFormsPark) {
  run_with_session_in_main([](Session& session) {
    const auto shared = std::make_shared<Shared>(session);
    constexpr int kBytes = 100'000;
    auto writer = spawn([shared] {
      for (int i = 0; i < kBytes; ++i) EXPECT_EQ(putc_unlocked(i % 100, shared->out), i % 100);
      shared->end_output();
    });
    int count = 0;
    for (int byte = 0; (byte = getc_unlocked(shared->in)) != EOF; ++count) {
      ASSERT_EQ(byte, count % 100);
    }
    EXPECT_EQ(count, kBytes);
    writer.join();
  });
}

TEST(Streams, FlockfileKeepsOthersOutWhileItsCoroutineSleeps) {
  run_with_session_in_main([](Session& session) {
    const auto shared = std::make_shared<Shared>(session);
    auto one = spawn([shared] {
      flockfile(shared->out);
      fputs("hel", shared->out);
      sleep_for(std::chrono::milliseconds(2));
      putc_unlocked('l', shared->out);
      putc_unlocked('o', shared->out);
      funlockfile(shared->out);
    });
    auto two = spawn([shared] {
      EXPECT_NE(ftrylockfile(shared->out), 0);
      fputs(" world\n", shared->out);
    });
    one.join();
    two.join();
    shared->end_output();
    char line[20] = {};
    EXPECT_STREQ(fgets(line, sizeof line, shared->in), "hello world\n");
  });
}

TEST(Streams, FlushingAllWaitsForWhoIsParkedAndSendsNothingTwice) {
  run_with_session_in_main([](Session& session) {
    const auto shared = std::make_shared<Shared>(session);
    auto writer = spawn([shared] { put_lines(shared->out, 'a'); });
    sleep_for(std::chrono::milliseconds(1));
    EXPECT_FALSE(writer.done());
    auto flusher = spawn([] { EXPECT_EQ(fflush(nullptr), 0); });
    // libc's own, which knows nothing of the lock.
    EXPECT_EQ(reinterpret_cast<decltype(&fflush)>(require_real_function("fflush"))(nullptr), 0);
    EXPECT_EQ(ferror(shared->out), 0);
    auto end = spawn([&] {
      writer.join();
      flusher.join();
      shared->end_output();
    });
    expect_lines(shared->in, "a");
    end.join();
  });
}

TEST(Streams, FlushingAllDoesNotWaitForReaders) {
  run_with_session_in_main([](Session& session) {
    const auto shared = std::make_shared<Shared>(session);
    auto reader = spawn([shared] { return getc(shared->in); });
    yield();
    fputs("x", shared->out);
    EXPECT_EQ(fflush(nullptr), 0);
    EXPECT_EQ(reader.join(), 'x');
    shared->end_output();
  });
}

TEST(Streams, AreEndedByATimeLimitAndGoOnLater) {
  run_with_session_in_main([](Session& session) {
    const auto shared = std::make_shared<Shared>(session);
    char line[20] = {};
    {
      TimeLimit limit(std::chrono::milliseconds(2));
      EXPECT_EQ(fgets(line, sizeof line, shared->in), nullptr);
      EXPECT_EQ(errno, ETIMEDOUT);
      EXPECT_NE(ferror(shared->in), 0);
    }
    clearerr(shared->in);
    fputs("hello\n", shared->out);
    shared->end_output();
    EXPECT_STREQ(fgets(line, sizeof line, shared->in), "hello\n");
  });
}

TEST(Streams, ACancelledReaderLeavesTheStreamToOthers) {
  run_with_session_in_main([](Session& session) {
    const auto shared = std::make_shared<Shared>(session);
    auto reader = spawn([shared] {
      const int byte = getc(shared->in);
      return byte == EOF ? errno : 0;
    });
    sleep_for(std::chrono::milliseconds(1));
    reader.cancel();
    EXPECT_EQ(reader.join(), ECANCELED);
    fputs("x", shared->out);
    shared->end_output();
    EXPECT_EQ(getc(shared->in), 'x');
  });
}

/// libc's getc, as functions without a hook call it inside.
int getc_past_the_hooks(FILE* in) {
  return reinterpret_cast<decltype(&getc)>(require_real_function("getc"))(in);
}

TEST(Streams, WhoComesPastTheHooksIsServedOrRefused) {
  run_with_session_in_main([](Session& session) {
    const auto shared = std::make_shared<Shared>(session);
    fputs("xy", shared->out);
    fflush(shared->out);
    EXPECT_EQ(getc_past_the_hooks(shared->in), 'x');
    EXPECT_EQ(getc(shared->in), 'y');
    auto reader = spawn([shared] { return getc(shared->in); });
    sleep_for(std::chrono::milliseconds(1));
    errno = 0;
    EXPECT_EQ(getc_past_the_hooks(shared->in), EOF);
    EXPECT_EQ(errno, EDEADLK);
    fputs("z", shared->out);
    shared->end_output();
    EXPECT_EQ(reader.join(), 'z');
  });
}

// No row of the parity table: libc's own leaks its buffer then.
TEST(Streams, DprintfSaysWhyItFails) {
  run_in_session([](Session& session) {
    EXPECT_EQ(dprintf(pipe_ends(session).reader, "%d", 1), -1);
    EXPECT_EQ(errno, EBADF);
  });
}

TEST(Streams, MadeOutsideCoroutinesAreLibcsOwn) {
  int pair[2];
  ASSERT_EQ(pipe(pair), 0);
  FILE* in = fdopen(pair[0], "r");
  FILE* out = fdopen(pair[1], "w");
  EXPECT_NE(fputwc(L'x', out), WEOF);
  EXPECT_EQ(fclose(out), 0);
  EXPECT_EQ(getc(in), 'x');
  fclose(in);
}

class StreamsInChildren : public testing::Test {
 protected:
  void SetUp() override {
    if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer does not follow fibers into a child";
  }
};

/// What `act(out)` has left in the pipe behind `out` once its process has ended with status 0.
/// `act` runs in a coroutine of a child, and ends it.
std::string left_by_child(void (*act)(FILE* out)) {
  int pair[2];
  EXPECT_EQ(pipe(pair), 0);
  flush_before_fork();
  const pid_t child = fork();
  if (child == 0) {
    close(pair[0]);
    exits_in_coroutine = true;
    run([&] { act(fdopen(pair[1], "w")); });
    _exit(1);
  }
  close(pair[1]);
  std::string left;
  char text[4096];
  for (ssize_t size = 0; (size = read(pair[0], text, sizeof text)) > 0;) {
    left.append(text, static_cast<std::size_t>(size));
  }
  close(pair[0]);
  EXPECT_EQ(exit_status_of(child), 0);
  return left;
}

TEST_F(StreamsInChildren, ExitWritesWhatIsBuffered) {
  EXPECT_EQ(left_by_child([](FILE* out) {
              fputs("hello", out);
              exit(0);
            }),
            "hello");
}

TEST_F(StreamsInChildren, ExitWritesWhatItsOwnCoroutineHasLocked) {
  EXPECT_EQ(left_by_child([](FILE* out) {
              flockfile(out);
              fputs("hello", out);
              exit(0);
            }),
            "hello");
}

TEST_F(StreamsInChildren, WhatIsWrittenByHandlersOfExitGoesOut) {
  EXPECT_EQ(left_by_child([](FILE* out) {
              static FILE* late;
              late = out;
              atexit([] { fputs("world", late); });
              fputs("hello ", out);
              exit(0);
            }),
            "hello world");
}

TEST_F(StreamsInChildren, UnderscoreExitWritesNothing) {
  EXPECT_EQ(left_by_child([](FILE* out) {
              fputs("hello", out);
              _exit(0);
            }),
            "");
}

TEST_F(StreamsInChildren, ExitSendsNothingTwiceThatIsBeingSent) {
  const std::string left = left_by_child([](FILE* out) {
    go([out] { put_lines(out, 'a'); });
    sleep_for(std::chrono::milliseconds(1));
    exit(0);
  });
  // The writer was parked in the midst; so what has gone is the beginning of its lines.
  std::string all;
  for (int i = 0; i < kLines; ++i) {
    char head[20];
    snprintf(head, sizeof head, "a %03d ", i);
    all += head + std::string(993, 'a') + "\n";
  }
  EXPECT_GE(left.size(), 65536u);
  EXPECT_EQ(left, all.substr(0, left.size()));
}

TEST_F(StreamsInChildren, AForkHasACopyOfWhatIsBuffered) {
  EXPECT_EQ(left_by_child([](FILE* out) {
              fputs("x", out);
              const pid_t child = fork();
              if (child == 0) exit(0);
              const int status = exit_status_of(child);
              exit(status);
            }),
            "xx");
}

TEST_F(StreamsInChildren, AChildMayUseWhatOthersOfItsParentHaveLocked) {
  EXPECT_EQ(left_by_child([](FILE* out) {
              go([out] {
                flockfile(out);
                sleep_for(std::chrono::seconds(100));
              });
              yield();
              const pid_t child = fork();
              if (child == 0) {
                fputs("hello", out);
                exit(0);
              }
              _exit(exit_status_of(child));
            }),
            "hello");
}

}  // namespace
}  // namespace colibri::test
