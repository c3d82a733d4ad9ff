// read, write, pread, pwrite and fsync of files, their locks, and the opening of FIFOs give what
// libc gives; other coroutines run while one waits.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <atomic>
#include <cstring>
#include <memory>
#include <thread>

#include "colibri/core/offload.h"
#include "test/support/channels.h"
#include "test/support/child_process.h"
#include "test/support/run_in_session.h"
#include "test/support/scale.h"
#include "test/support/transfers.h"

extern "C" {
int __open_2(const char* path, int flags);
ssize_t __pread_chk(int, void*, size_t, off_t, size_t);
}

namespace colibri::test {
namespace {

/// A folder for a scope, where the test may write.
class Folder {
 public:
  Folder() {
    const char* root = getenv("TEST_TMPDIR");
    path_ = std::string(root != nullptr ? root : "/var/tmp") + "/XXXXXX";
    EXPECT_NE(mkdtemp(path_.data()), nullptr);
  }
  ~Folder() {
    for (const std::string& each : files_) unlink(each.c_str());
    rmdir(path_.c_str());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string file(const std::string& name) {
    files_.push_back(path_ + "/" + name);
    return files_.back();
  }

 private:
  std::string path_;
  std::vector<std::string> files_;
};

/// An open file with this text, at its beginning, of which no page is in memory if that can be had.
int cold_file(Session& session, const std::string& path, const std::string& text,
              int flags = O_RDWR) {
  const int file = session.own(real::open(path.c_str(), flags | O_CREAT | O_CLOEXEC, 0600));
  EXPECT_EQ(pwrite(file, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  real::syscall(SYS_fdatasync, file);
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  return file;
}

std::string pattern(std::size_t size) {
  std::string text(size, ' ');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i / 4096 % 26);
  return text;
}

void note_where(Session& session, int file) {
  session.note("at " + std::to_string(lseek(file, 0, SEEK_CUR)));
}

constinit std::atomic<int> size_signals{0};

/// Sets the process's soft limit; the one before.
rlimit limit_file_sizes(rlim_t size) {
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{size, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  return before;
}

const ParityCase kFiles[] = {
    {"Read", "300000, right, at 300000, 100000, at 400000, 0",
     [](Session& session) {
       Folder folder;
       const std::string text = pattern(400'000);
       const int file = cold_file(session, folder.file("f"), text);
       std::string room(300'000, '.');
       session.call(session.libc.read, file, static_cast<void*>(room.data()), room.size());
       session.note_if(room == text.substr(0, 300'000), "right");
       note_where(session, file);
       session.call(session.libc.read, file, static_cast<void*>(room.data()), room.size());
       note_where(session, file);
       session.call(session.libc.read, file, static_cast<void*>(room.data()), room.size());
     }},
    {"ReadIntoTheStack", "20000, right",
     [](Session& session) {
       Folder folder;
       const std::string text = pattern(50'000);
       const int file = cold_file(session, folder.file("f"), text);
       char room[20'000];
       session.call(session.libc.read, file, static_cast<void*>(room), sizeof room);
       session.note_if(std::string(room, sizeof room) == text.substr(0, 20'000), "right");
     }},
    {"Pread", "5, bbbbb, at 0, 3, 0, -1 EINVAL",
     [](Session& session) {
       Folder folder;
       const auto pread = session.either("pread", ::pread);
       const int file = cold_file(session, folder.file("f"), pattern(8'192));
       char room[6] = {};
       session.call(pread, file, static_cast<void*>(room), 5, 4096);
       session.note(room);
       note_where(session, file);
       session.call(session.either("pread64", ::pread64), file, static_cast<void*>(room), 5, 8189);
       session.call(session.either("__pread_chk", ::__pread_chk), file, static_cast<void*>(room), 5,
                    9000, 6);
       session.call(pread, file, static_cast<void*>(room), 5, -1);
     }},
    {"Write", "100000, at 100000, 5, size 100000, right",
     [](Session& session) {
       Folder folder;
       const int file = cold_file(session, folder.file("f"), "");
       std::string text = pattern(100'000);
       session.call(session.libc.write, file, static_cast<const void*>(text.data()), text.size());
       note_where(session, file);
       session.call(session.either("pwrite", ::pwrite), file, static_cast<const void*>("hello"), 5,
                    50'000);
       text.replace(50'000, 5, "hello");
       std::string back(200'000, '.');
       const ssize_t size = pread(file, back.data(), back.size(), 0);
       session.note("size " + std::to_string(size));
       session.note_if(back.substr(0, 100'000) == text, "right");
     }},
    {"WriteToWhatIsSynchronous", "5, 5, hellohello",
     [](Session& session) {
       Folder folder;
       const int file = cold_file(session, folder.file("f"), "", O_RDWR | O_DSYNC | O_APPEND);
       for (int i = 0; i < 2; ++i) {
         const char text[] = "hello";
         session.call(session.libc.write, file, static_cast<const void*>(text), 5);
       }
       char room[11] = {};
       EXPECT_EQ(pread(file, room, 10, 0), 10);
       session.note(room);
     }},
    {"ErrorsOfTransfers", "-1 EBADF, -1 EBADF, -1 EFAULT, -1 EISDIR, -1 ESPIPE",
     [](Session& session) {
       Folder folder;
       const std::string path = folder.file("f");
       const int file = cold_file(session, path, "hello");
       const int reader = session.own(real::open(path.c_str(), O_RDONLY));
       const int writer = session.own(real::open(path.c_str(), O_WRONLY));
       const int root = session.own(real::open("/", O_RDONLY));
       char room[6] = {};
       session.call(session.libc.write, reader, static_cast<const void*>(room), 5);
       session.call(session.libc.read, writer, static_cast<void*>(room), 5);
       session.call(session.libc.read, file, bad_pointer<void>(), 5);
       session.call(session.libc.read, root, static_cast<void*>(room), 5);
       session.call(session.either("pread", ::pread), pipe_ends(session).reader,
                    static_cast<void*>(room), 5, 0);
     }},
    {"WriteBeyondTheSizeLimit", "4, 1, -1 EFBIG, 1 signals, -1 EFBIG, 2 signals",
     [](Session& session) {
       Folder folder;
       const std::string path = folder.file("f");
       const int whole = cold_file(session, path, "", O_RDWR | O_APPEND);
       const int file = session.own(real::open(path.c_str(), O_RDWR));
       struct sigaction action {};
       struct sigaction action_before {};
       action.sa_flags = SA_RESTART;
       action.sa_handler = [](int) { ++size_signals; };
       size_signals = 0;
       session.libc.sigaction(SIGXFSZ, &action, &action_before);
       const rlimit before = limit_file_sizes(5);
       const auto write = [&](int to, const char* text) {
         session.call(session.libc.write, to, static_cast<const void*>(text), std::strlen(text));
       };
       write(whole, "four");
       write(whole, "more");
       for (const int to : {whole, file}) {
         lseek(to, 0, SEEK_END);
         write(to, "more");
         session.note(std::to_string(size_signals) + " signals");
       }
       setrlimit(RLIMIT_FSIZE, &before);
       session.libc.sigaction(SIGXFSZ, &action_before, nullptr);
     }},
    {"Sync", "0, 0, -1 EBADF, -1 EINVAL",
     [](Session& session) {
       Folder folder;
       const int file = cold_file(session, folder.file("f"), "hello");
       session.call(session.either("fsync", ::fsync), file);
       session.call(session.either("fdatasync", ::fdatasync), file);
       session.call(session.either("fsync", ::fsync), -1);
       session.call(session.either("fsync", ::fsync), pipe_ends(session).reader);
     }},
};

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
    {"Errors", "-1 ENOENT, -1 EFAULT",
     [](Session& session) {
       session.call(open_of(session), "/nothing/there", O_RDONLY);
       session.call(open_of(session), bad_pointer<const char>(), O_RDONLY);
     }},
};

class FileParity : public testing::TestWithParam<ParityCase> {};

TEST_P(FileParity, HoldsInEveryWay) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Files, FileParity, testing::ValuesIn(kFiles),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Locks, FileParity, testing::ValuesIn(kLocks),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Opens, FileParity, testing::ValuesIn(kOpens),
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

TEST(Locks, EndByATimeLimitAndAreNotTakenLater) {
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

TEST(Locks, OfAnotherProcessAreWaitedFor) {
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

TEST(Files, ManyReadAColdOneAtOnce) {
  run_in_session([](Session& session) {
    Folder folder;
    const std::string text = pattern(4'000'000);
    const int file = cold_file(session, folder.file("f"), text);
    std::vector<Task<std::size_t>> tasks;
    for (std::size_t i = 0; i < 40; ++i) {
      tasks.push_back(spawn([file, i] {
        std::string room(100'000, '.');
        std::size_t wrong = 0;
        EXPECT_EQ(pread(file, room.data(), room.size(), static_cast<off_t>(i * 100'000)), 100'000);
        for (std::size_t j = 0; j < room.size(); ++j) {
          wrong += room[j] != static_cast<char>('a' + (i * 100'000 + j) / 4096 % 26);
        }
        return wrong;
      }));
    }
    for (auto& task : tasks) EXPECT_EQ(task.join(), 0u);
  });
}

/// Keeps all of the helpers for files busy until it is told to let go.
class BusyFileHelpers {
 public:
  BusyFileHelpers() {
    for (int i = 0; i < 16; ++i) {
      submit_to_helper(std::make_unique<Job>(released_), HelperSet::kFiles);
    }
  }
  ~BusyFileHelpers() { let_go(); }
  BusyFileHelpers(const BusyFileHelpers&) = delete;
  BusyFileHelpers& operator=(const BusyFileHelpers&) = delete;
  void let_go() { *released_ = true; }

 private:
  using Flag = std::shared_ptr<std::atomic<bool>>;
  struct Job final : HelperJob {
    explicit Job(Flag flag) : released(std::move(flag)) {}
    void run() noexcept override {
      while (!*released) real::usleep(500);
    }
    const Flag released;
  };

  const Flag released_ = std::make_shared<std::atomic<bool>>(false);
};

TEST(Files, ACallThatWaitsForAHelperHitsNoStranger) {
  run_with_session_in_main([](Session& session) {
    Folder folder;
    const int file = cold_file(session, folder.file("f"), "", O_RDWR | O_APPEND);
    const int stranger = cold_file(session, folder.file("stranger"), "", O_RDWR | O_APPEND);
    BusyFileHelpers busy;
    std::vector<Task<int>> tasks;
    tasks.push_back(spawn([file] {
      EXPECT_EQ(write(file, "hello", 5), -1);
      return errno;
    }));
    tasks.push_back(spawn([file] {
      EXPECT_EQ(fsync(file), -1);
      return errno;
    }));
    usleep(100);
    EXPECT_EQ(dup2(stranger, file), file);
    busy.let_go();
    for (auto& task : tasks) EXPECT_EQ(task.join(), EBADF);
    EXPECT_EQ(lseek(stranger, 0, SEEK_END), 0);
  });
}

/// Records of so many pages, each of which bears its number in the file.
constexpr std::size_t kPage = 4096;
constexpr std::size_t kPagesOfRecord = 16;
constexpr std::size_t kRecord = kPagesOfRecord * kPage;

std::string numbered_pages(std::size_t count) {
  std::string text;
  for (std::size_t page = 0; page < count; ++page) {
    text.append(kPage, static_cast<char>(page % 251));
  }
  return text;
}

bool is_one_record(const std::string& room) {
  for (std::size_t i = kPage; i < room.size(); ++i) {
    const int before = static_cast<unsigned char>(room[i - kPage]);
    if (static_cast<unsigned char>(room[i]) != (before + 1) % 251) return false;
  }
  return true;
}

/// Of each record the first pages are in memory, and the others are not, if that can be had.
void keep_beginnings_in_memory(int file, std::size_t records) {
  posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM);
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  for (std::size_t record = 0; record < records; ++record) {
    char room[4 * kPage];
    pread(file, room, sizeof room, static_cast<off_t>(record * kRecord));
  }
}

TEST(Files, CallsByThePositionKeepRecordsTogether) {
  run_with_session_in_main([](Session& session) {
    Folder folder;
    const std::size_t records = many_operations(200);
    const std::string text = numbered_pages(records * kPagesOfRecord);
    const int file = cold_file(session, folder.file("f"), text);
    keep_beginnings_in_memory(file, records);
    const int copy = cold_file(session, folder.file("g"), "");
    std::size_t seen = 0;
    std::vector<Task<void>> tasks;
    for (int i = 0; i < 8; ++i) {
      tasks.push_back(spawn([&, room = std::string(kRecord, '.')]() mutable {
        while (read(file, room.data(), kRecord) > 0) {
          ++seen;
          EXPECT_TRUE(is_one_record(room));
          EXPECT_EQ(write(copy, room.data(), kRecord), static_cast<ssize_t>(kRecord));
        }
      }));
    }
    for (auto& task : tasks) task.join();
    EXPECT_EQ(seen, records);
    EXPECT_EQ(lseek(copy, 0, SEEK_END), static_cast<off_t>(text.size()));
    std::string room(kRecord, '.');
    for (std::size_t i = 0; i < records; ++i) {
      EXPECT_EQ(pread(copy, room.data(), kRecord, static_cast<off_t>(i * kRecord)),
                static_cast<ssize_t>(kRecord));
      EXPECT_TRUE(is_one_record(room));
    }
  });
}

}  // namespace
}  // namespace colibri::test
