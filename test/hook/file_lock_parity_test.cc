// flock, lockf and locks of open files give what libc gives, wait for whoever holds the lock, and
// are not taken once they were given up.
#include <gtest/gtest.h>
#include <sys/file.h>

#include "test/support/channels.h"
#include "test/support/child_process.h"
#include "test/support/files.h"
#include "test/support/run_in_session.h"
#include "test/support/scale.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

const ParityCase kLocks[] = {
    {"FlockWaits", "0, 0, -1 EAGAIN, 0",
     [](Session& session) {
       Folder folder;
       const auto flock = session.either("flock", ::flock);
       const std::string path = folder.file("f");
       const int one = cold_file(session, path, "");
       const int two = cold_file(session, path, "");
       session.call(flock, one, LOCK_EX);
       session.meanwhile([flock, one] { flock(one, LOCK_UN); });
       session.call(flock, two, LOCK_EX);
       session.call(flock, one, LOCK_SH | LOCK_NB);
       session.call(flock, two, LOCK_UN);
     }},
    {"OpenFileLocksWait", "0, 0",
     [](Session& session) {
       Folder folder;
       const std::string path = folder.file("f");
       const int one = cold_file(session, path, "");
       const int two = cold_file(session, path, "");
       const auto lock = [&session](int file, int command, short type) {
         struct flock64 what {};
         what.l_type = type;
         return session.libc.fcntl(file, command, &what);
       };
       session.measure([&] { return lock(one, F_OFD_SETLKW, F_WRLCK); });
       session.meanwhile([lock, one] { lock(one, F_OFD_SETLK, F_UNLCK); });
       session.measure([&] { return lock(two, F_OFD_SETLKW, F_WRLCK); });
     },
     [] {
       return in_valgrind() ? "Valgrind lets no other thread run during F_OFD_SETLKW" : nullptr;
     }},
    {"LockErrors", "-1 EBADF, -1 EINVAL, -1 EBADF, -1 EINVAL, 0",
     [](Session& session) {
       Folder folder;
       const int file = cold_file(session, folder.file("f"), "");
       session.call(session.either("flock", ::flock), -1, LOCK_EX);
       session.call(session.either("flock", ::flock), file, 0);
       session.call(session.either("lockf", ::lockf), -1, F_LOCK, 0);
       session.call(session.either("lockf", ::lockf), file, 99, 0);
       session.call(session.either("lockf64", ::lockf64), file, F_LOCK, 0);
     }},
};

class FileLockParity : public testing::TestWithParam<ParityCase> {};

TEST_P(FileLockParity, HoldsInEveryWay) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Locks, FileLockParity, testing::ValuesIn(kLocks),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

TEST(FileLocks, EndByATimeLimitAndAreNotTakenLater) {
  run_in_session([](Session& session) {
    Folder folder;
    const std::string path = folder.file("f");
    const int one = cold_file(session, path, "");
    const int two = cold_file(session, path, "");
    EXPECT_EQ(flock(one, LOCK_EX), 0);
    {
      TimeLimit limit(std::chrono::milliseconds(5));
      EXPECT_EQ(flock(two, LOCK_EX), -1);
      EXPECT_EQ(errno, ETIMEDOUT);
    }
    EXPECT_EQ(flock(one, LOCK_UN), 0);
    const int three = cold_file(session, path, "");
    EXPECT_EQ(flock(three, LOCK_EX | LOCK_NB), 0);
  });
}

TEST(FileLocks, OfAnotherProcessAreWaitedFor) {
  run_in_session([](Session& session) {
    Folder folder;
    const std::string path = folder.file("f");
    const int file = cold_file(session, path, "");
    int ready[2];
    ASSERT_EQ(pipe(ready), 0);
    session.own(ready[0]);
    session.own(ready[1]);
    flush_before_fork();
    const pid_t child = fork();
    if (child == 0) {
      const int own = real::open(path.c_str(), O_RDWR);
      struct flock64 what {};
      what.l_type = F_WRLCK;
      real::fcntl(own, F_SETLK, &what);
      real::write(ready[1], "x", 1);
      real::usleep(20'000);
      _exit(0);
    }
    EXPECT_EQ(take(session, ready[0], 1), "x");
    EXPECT_EQ(lockf(file, F_LOCK, 0), 0);
    EXPECT_EQ(exit_status_of(child), 0);
  });
}

}  // namespace
}  // namespace colibri::test
