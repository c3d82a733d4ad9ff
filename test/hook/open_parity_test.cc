// open and its kin give what libc gives; FIFOs are waited for, and given up without a trace.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <memory>
#include <thread>

#include "test/support/channels.h"
#include "test/support/files.h"
#include "test/support/run_in_session.h"
#include "test/support/scale.h"
#include "test/support/transfers.h"

extern "C" int __open_2(const char* path, int flags);

namespace colibri::test {
namespace {

auto open_of(Session& session) {
  return session.either("__open_2", ::__open_2);
}

const ParityCase kOpens[] = {
    {"AFifoIsWaitedFor", "opened, 5 hello",
     [](Session& session) {
       Folder folder;
       const std::string path = folder.file("fifo");
       ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
       session.meanwhile([&session, path] {
         const int writer = session.own(open_of(session)(path.c_str(), O_WRONLY | O_CLOEXEC));
         put(session, writer, "hello");
       });
       const int reader = session.own(open_of(session)(path.c_str(), O_RDONLY | O_CLOEXEC));
       session.note_if(reader >= 0, "opened");
       try_read(session, reader);
     }},
    {"AFifoWhoseWriterIsSilent", "opened, blocking, 0",
     [](Session& session) {
       Folder folder;
       const std::string path = folder.file("fifo");
       ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
       session.meanwhile(
           [&session, path] { session.own(open_of(session)(path.c_str(), O_WRONLY | O_CLOEXEC)); });
       const int reader = session.own(open_of(session)(path.c_str(), O_RDONLY));
       session.note_if(reader >= 0, "opened");
       session.finish_helpers();
       note_flags(session, reader);
       session.note(std::to_string(session.libc.fcntl(reader, F_GETFD)));
     }},
    {"AFifoWhoseWriterHasGone", "opened, 0",
     [](Session& session) {
       Folder folder;
       const std::string path = folder.file("fifo");
       ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
       session.meanwhile([&session, path] {
         session.libc.close(open_of(session)(path.c_str(), O_WRONLY | O_CLOEXEC));
       });
       const int reader = session.own(open_of(session)(path.c_str(), O_RDONLY | O_CLOEXEC));
       session.note_if(reader >= 0, "opened");
       char byte;
       session.call(session.libc.read, reader, static_cast<void*>(&byte), 1);
     }},
    {"AFifoThatWaitsForAReader", "opened, blocking, 5, 5 hello",
     [](Session& session) {
       Folder folder;
       const std::string path = folder.file("fifo");
       ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
       const auto reader = std::make_unique<int>(-1);
       session.meanwhile([&session, reader = reader.get(), path] {
         *reader = session.own(open_of(session)(path.c_str(), O_RDONLY | O_CLOEXEC));
       });
       const int writer = session.own(open_of(session)(path.c_str(), O_WRONLY | O_CLOEXEC));
       session.note_if(writer >= 0, "opened");
       session.finish_helpers();
       note_flags(session, writer);
       session.call(session.libc.write, writer, static_cast<const void*>("hello"), 5);
       try_read(session, *reader);
     }},
    {"AFifoThatIsNotWaitedFor", "-1 ENXIO, opened",
     [](Session& session) {
       Folder folder;
       const std::string path = folder.file("fifo");
       ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
       session.call(open_of(session), path.c_str(), O_WRONLY | O_NONBLOCK);
       session.note_if(session.own(open_of(session)(path.c_str(), O_RDONLY | O_NONBLOCK)) >= 0,
                       "opened");
     }},
    {"WhatIsNotThere", "-1 ENOENT",
     [](Session& session) { session.call(open_of(session), "/nothing/there", O_RDONLY); }},
    {"AtABadAddress", "-1 EFAULT",
     [](Session& session) { session.call(open_of(session), bad_pointer<const char>(), O_RDONLY); },
     [] { return in_valgrind() ? "Valgrind reads the path without asking the kernel" : nullptr; }},
};

class OpenParity : public testing::TestWithParam<ParityCase> {};

TEST_P(OpenParity, HoldsInEveryWay) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Opens, OpenParity, testing::ValuesIn(kOpens),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

TEST(Opening, WithAModeMakesAFile) {
  run_in_session([](Session& session) {
    Folder folder;
    const mode_t mask = umask(0);
    struct stat about {};
    int number = 0;
    for (const int file : {open(folder.file("a").c_str(), O_WRONLY | O_CREAT, 0640),
                           open64(folder.file("b").c_str(), O_WRONLY | O_CREAT, 0640),
                           openat(AT_FDCWD, folder.file("c").c_str(), O_WRONLY | O_CREAT, 0640),
                           openat64(AT_FDCWD, folder.file("d").c_str(), O_WRONLY | O_CREAT, 0640),
                           creat(folder.file("e").c_str(), 0640)}) {
      session.own(file);
      EXPECT_EQ(fstat(file, &about), 0);
      EXPECT_EQ(about.st_mode & 07777, 0640u) << ++number;
    }
    umask(mask);
  });
}

/// Opens the FIFO in a coroutine that is cancelled, or under a TimeLimit. The error.
int error_of_opening(const std::string& path, int flags, bool by_cancel) {
  auto task = spawn([&path, flags, by_cancel] {
    const TimeLimit limit(by_cancel ? std::chrono::seconds(1000) : std::chrono::milliseconds(5));
    EXPECT_EQ(open(path.c_str(), flags), -1);
    return errno;
  });
  usleep(3000);
  if (by_cancel) task.cancel();
  return task.join();
}

TEST(Opening, OfAFifoThatIsGivenUpLeavesNoEndBehind) {
  run_with_session_in_main([](Session& session) {
    Folder folder;
    const std::string path = folder.file("fifo");
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    for (const bool by_cancel : {false, true}) {
      const int error = by_cancel ? ECANCELED : ETIMEDOUT;
      EXPECT_EQ(error_of_opening(path, O_RDONLY, by_cancel), error);
      EXPECT_EQ(open(path.c_str(), O_WRONLY | O_NONBLOCK), -1);
      EXPECT_EQ(errno, ENXIO) << "somebody reads";
      EXPECT_EQ(error_of_opening(path, O_WRONLY, by_cancel), error);
      const int reader = session.own(open(path.c_str(), O_RDONLY | O_NONBLOCK));
      char byte;
      EXPECT_EQ(read(reader, &byte, 1), 0) << "somebody writes";
      session.close(reader);
    }
  });
}

TEST(Opening, OfAFifoThatIsGivenUpLosesNothingOfALateWriter) {
  run_with_session_in_main([](Session& session) {
    Folder folder;
    const std::string path = folder.file("fifo");
    ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
    EXPECT_EQ(error_of_opening(path, O_RDONLY, false), ETIMEDOUT);
    std::thread writer([&path] {
      const int end = real::open(path.c_str(), O_WRONLY);
      EXPECT_EQ(real::write(end, "hello", 5), 5);
      real::close(end);
    });
    usleep(3000);
    EXPECT_EQ(take(session, session.own(open(path.c_str(), O_RDONLY)), 100), "hello");
    writer.join();
  });
}

}  // namespace
}  // namespace colibri::test
