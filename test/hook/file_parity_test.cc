// read, write, pread, pwrite and fsync of files, their vectors, ranges and locks, and the opening
// of FIFOs give what libc gives; other coroutines run while one waits.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

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

/// For a scope no file may become larger than `size` bytes, and SIGXFSZ is counted.
class SmallFilesOnly {
 public:
  SmallFilesOnly(Session& session, rlim_t size) : session_(session) {
    struct sigaction action {};
    action.sa_flags = SA_RESTART;
    action.sa_handler = [](int) { ++size_signals; };
    size_signals = 0;
    // A loop's first timed wait makes Valgrind write a warning, to a file that is limited, too.
    if (in_valgrind()) session.libc.usleep(100'000);
    session.libc.sigaction(SIGXFSZ, &action, &action_before_);
    getrlimit(RLIMIT_FSIZE, &limit_before_);
    const rlimit small{size, limit_before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallFilesOnly() {
    setrlimit(RLIMIT_FSIZE, &limit_before_);
    session_.libc.sigaction(SIGXFSZ, &action_before_, nullptr);
  }
  SmallFilesOnly(const SmallFilesOnly&) = delete;
  SmallFilesOnly& operator=(const SmallFilesOnly&) = delete;

  void note_signals() const {
    real::poll(nullptr, 0, 0);  // Valgrind lets signals in during calls that may wait
    session_.note(std::to_string(size_signals) + " signals");
  }

 private:
  Session& session_;
  struct sigaction action_before_ {};
  rlimit limit_before_{};
};

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
       const SmallFilesOnly limit(session, 5);
       const auto write = [&](int to, const char* text) {
         session.call(session.libc.write, to, static_cast<const void*>(text), std::strlen(text));
       };
       write(whole, "four");
       write(whole, "more");
       for (const int to : {whole, file}) {
         lseek(to, 0, SEEK_END);
         write(to, "more");
         limit.note_signals();
       }
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

/// Three pieces of so many bytes in `room`.
struct ThreePieces {
  explicit ThreePieces(char* room, std::size_t size)
      : pieces{{room, size}, {room + size, size}, {room + 2 * size, size}} {}
  iovec pieces[3];
};

const ParityCase kVectors[] = {
    {"Readv", "300000, right, at 300000, 100000, 0",
     [](Session& session) {
       Folder folder;
       const std::string text = pattern(400'000);
       const int file = cold_file(session, folder.file("f"), text);
       std::string room(300'000, '.');
       const ThreePieces three(room.data(), 100'000);
       session.call(session.libc.readv, file, three.pieces, 3);
       session.note_if(room == text.substr(0, 300'000), "right");
       note_where(session, file);
       session.call(session.libc.readv, file, three.pieces, 3);
       session.call(session.libc.readv, file, three.pieces, 3);
     }},
    {"ReadvIntoTheStackAndTheHeap", "30000, right",
     [](Session& session) {
       Folder folder;
       const std::string text = pattern(50'000);
       const int file = cold_file(session, folder.file("f"), text);
       char near[10'000];
       std::string far(20'000, '.');
       const iovec pieces[] = {{far.data(), 5'000}, {near, sizeof near}, {&far[5'000], 15'000}};
       session.call(session.libc.readv, file, pieces, 3);
       const std::string all =
           far.substr(0, 5'000) + std::string(near, sizeof near) + far.substr(5'000);
       session.note_if(all == text.substr(0, 30'000), "right");
     }},
    {"Preadv", "6 bbbbbb, at 0, 6 bbbbbb, 3, 0, -1 EINVAL",
     [](Session& session) {
       Folder folder;
       const auto preadv = session.either("preadv", ::preadv);
       const int file = cold_file(session, folder.file("f"), pattern(8'192));
       char room[7] = {};
       const ThreePieces three(room, 2);
       session.call(preadv, file, three.pieces, 3, 4096);
       session.append(room);
       note_where(session, file);
       session.call(session.either("preadv64", ::preadv64), file, three.pieces, 3, 4096);
       session.append(room);
       session.call(preadv, file, three.pieces, 3, 8189);
       session.call(preadv, file, three.pieces, 3, 9000);
       session.call(preadv, file, three.pieces, 3, -1);
     }},
    {"Preadv2", "6 aaaaaa, at 6, 6 bbbbbb, at 6, -1 EINVAL, -1 EOPNOTSUPP",
     [](Session& session) {
       Folder folder;
       const auto preadv2 = session.either("preadv2", ::preadv2);
       const int file = cold_file(session, folder.file("f"), pattern(8'192));
       char room[7] = {};
       const ThreePieces three(room, 2);
       for (const off_t offset : {-1, 4096}) {
         session.call(preadv2, file, three.pieces, 3, offset, 0);
         session.append(room);
         note_where(session, file);
       }
       session.call(preadv2, file, three.pieces, 3, -2, 0);
       session.call(preadv2, file, three.pieces, 3, 0, 1 << 30);
     }},
    {"Writev", "300000, at 300000, right",
     [](Session& session) {
       Folder folder;
       const int file = cold_file(session, folder.file("f"), "");
       std::string text = pattern(300'000);
       const ThreePieces three(text.data(), 100'000);
       session.call(session.libc.writev, file, three.pieces, 3);
       note_where(session, file);
       std::string back(400'000, '.');
       const ssize_t size = pread(file, back.data(), back.size(), 0);
       session.note_if(size == 300'000 && back.substr(0, 300'000) == text, "right");
     }},
    {"WritevFromTheStackToWhatAppends", "12, 12, abcdefghijklabcdefghijkl",
     [](Session& session) {
       Folder folder;
       const int file = cold_file(session, folder.file("f"), "", O_RDWR | O_APPEND);
       char text[] = "abcdefghijkl";
       const ThreePieces three(text, 4);
       for (int i = 0; i < 2; ++i) session.call(session.libc.writev, file, three.pieces, 3);
       char room[25] = {};
       EXPECT_EQ(pread(file, room, 24, 0), 24);
       session.note(room);
     }},
    {"Pwritev", "6, 6, at 0, ..abcdef..abcdef, -1 EINVAL",
     [](Session& session) {
       Folder folder;
       const auto pwritev = session.either("pwritev", ::pwritev);
       const int file = cold_file(session, folder.file("f"), "................");
       char text[] = "abcdef";
       const ThreePieces three(text, 2);
       session.call(pwritev, file, three.pieces, 3, 2);
       session.call(session.either("pwritev2", ::pwritev2), file, three.pieces, 3, 10, RWF_DSYNC);
       note_where(session, file);
       char room[17] = {};
       EXPECT_EQ(pread(file, room, 16, 0), 16);
       session.note(room);
       session.call(pwritev, file, three.pieces, 3, -1);
     }},
    {"PreadvWhoseBeginningIsInMemory", "30000, right",
     [](Session& session) {
       Folder folder;
       const std::string text = pattern(50'000);
       const int file = cold_file(session, folder.file("f"), text);
       posix_fadvise(file, 0, 0, POSIX_FADV_RANDOM);
       char near[10'000];
       EXPECT_EQ(pread(file, near, 1, 0), 1);
       std::string far(20'000, '.');
       const iovec pieces[] = {{near, 5'000}, {far.data(), 20'000}, {near + 5'000, 5'000}};
       session.call(session.either("preadv", ::preadv), file, pieces, 3, 100);
       const std::string all = std::string(near, 5'000) + far + std::string(near + 5'000, 5'000);
       session.note_if(all == text.substr(100, 30'000), "right");
     }},
    {"APieceWithABadAddress", "2, at 2, 2, at 7, -1 EFAULT, hellohe",
     [](Session& session) {
       Folder folder;
       const std::string path = folder.file("f");
       const int file = cold_file(session, path, "hello");
       const int appending = session.own(real::open(path.c_str(), O_RDWR | O_APPEND));
       char room[10] = {};
       const iovec pieces[] = {{room, 2}, {bad_pointer<void>(), 2}};
       session.call(session.libc.readv, file, pieces, 2);
       note_where(session, file);
       session.call(session.libc.writev, appending, pieces, 2);
       note_where(session, appending);
       session.call(session.libc.writev, appending, pieces + 1, 1);
       EXPECT_EQ(pread(file, room, sizeof room, 0), 7);
       session.note(room);
     }},
    {"WritevBeyondTheSizeLimit",
     "4, 1, -1 EFBIG, 1 signals, -1 EFBIG, 2 signals, -1 EFBIG, 3 signals",
     [](Session& session) {
       Folder folder;
       const std::string path = folder.file("f");
       const int whole = cold_file(session, path, "", O_RDWR | O_APPEND);
       const int file = session.own(real::open(path.c_str(), O_RDWR));
       const SmallFilesOnly limit(session, 5);
       char text[] = "text";
       const TwoPieces two(text, 4);
       session.call(session.libc.writev, whole, two.pieces, 2);
       session.call(session.libc.writev, whole, two.pieces, 2);
       for (const int to : {whole, file}) {
         lseek(to, 0, SEEK_END);
         session.call(session.libc.writev, to, two.pieces, 2);
         limit.note_signals();
       }
       session.call(session.either("pwritev2", ::pwritev2), file, two.pieces, 2, 5, RWF_DSYNC);
       limit.note_signals();
     }},
    {"Errors", "-1 EFAULT, -1 EFAULT, -1 EINVAL, -1 EINVAL, 0, 0, -1 EBADF, -1 EISDIR, -1 EFAULT",
     [](Session& session) {
       Folder folder;
       const std::string path = folder.file("f");
       const int file = cold_file(session, path, "hello", O_RDWR | O_APPEND);
       const int reader = session.own(real::open(path.c_str(), O_RDONLY));
       const int root = session.own(real::open("/", O_RDONLY));
       char room[6] = {};
       const ThreePieces three(room, 2);
       const iovec bad[] = {{bad_pointer<void>(), 2}, {room, 2}};
       session.call(session.libc.readv, file, bad_pointer<const iovec>(), 2);
       session.call(session.libc.readv, file, bad, 2);
       session.call(session.libc.readv, file, three.pieces, -1);
       session.call(session.libc.readv, file, std::vector<iovec>(2000).data(), 2000);
       session.call(session.libc.readv, file, three.pieces, 0);
       const iovec empty{room, 0};
       session.call(session.libc.writev, file, &empty, 1);
       session.call(session.libc.writev, reader, three.pieces, 3);
       session.call(session.libc.readv, root, three.pieces, 3);
       session.call(session.libc.writev, file, bad_pointer<const iovec>(), 2);
     }},
};

const ParityCase kRanges[] = {
    {"CopyFileRange", "5, right, 3, at 5, 3 of 8, 0",
     [](Session& session) {
       Folder folder;
       const auto copy = session.either("copy_file_range", ::copy_file_range);
       const int from = cold_file(session, folder.file("f"), "hello, world");
       const int to = cold_file(session, folder.file("g"), "");
       off64_t source = 7;
       off64_t target = 3;
       session.call(copy, from, &source, to, &target, 5, 0u);
       session.note_if(source == 12 && target == 8, "right");
       real::syscall(SYS_lseek, from, 2, SEEK_SET);
       target = 0;
       session.call(copy, from, nullptr, to, &target, 3, 0u);
       note_where(session, from);
       char room[9] = {};
       const bool good = pread(to, room, 8, 0) == 8 && std::string(room) == "lloworld";
       session.note(good ? "3 of 8" : "wrong");
       source = 12;
       session.call(copy, from, &source, to, &target, 5, 0u);
     }},
    {"CopyFileRangeErrors", "-1 EBADF, -1 EINVAL, -1 EINVAL, -1 EFAULT, -1 EFAULT",
     [](Session& session) {
       Folder folder;
       const auto copy = session.either("copy_file_range", ::copy_file_range);
       const int file = cold_file(session, folder.file("f"), "hello");
       const int to = cold_file(session, folder.file("g"), "");
       session.call(copy, file, nullptr, free_number(session), nullptr, 5, 0u);
       session.call(copy, file, nullptr, pipe_ends(session).writer, nullptr, 5, 0u);
       session.call(copy, file, nullptr, to, nullptr, 5, 7u);
       session.call(copy, file, bad_pointer<off64_t>(), to, nullptr, 5, 0u);
       static const off64_t read_only = 0;
       session.call(copy, file, const_cast<off64_t*>(&read_only), to, nullptr, 5, 0u);
     }},
    {"Fallocate", "0, 0, size 20000, -1 EBADF, -1 EINVAL, -1 ENODEV, 9, 22, 0",
     [](Session& session) {
       Folder folder;
       const auto fallocate = session.either("fallocate", ::fallocate);
       const auto posix_fallocate = session.either("posix_fallocate", ::posix_fallocate);
       const int file = cold_file(session, folder.file("f"), "");
       session.call(fallocate, file, 0, 0, 10'000);
       session.measure([&] { return posix_fallocate(file, 10'000, 10'000); });
       struct stat about {};
       EXPECT_EQ(fstat(file, &about), 0);
       session.note("size " + std::to_string(about.st_size));
       session.call(fallocate, -1, 0, 0, 10);
       session.call(session.either("fallocate64", ::fallocate64), file, 0, 0, -1);
       session.call(fallocate, session.own(real::open("/dev/null", O_RDWR)), 0, 0, 10);
       session.measure([&] { return posix_fallocate(-1, 0, 10); });
       session.measure(
           [&] { return session.either("posix_fallocate64", ::posix_fallocate64)(file, 0, -1); });
       session.call(session.either("sync_file_range", ::sync_file_range), file, 0, 10, 0u);
     }},
    {"Syncs", "0, -1 EBADF, 0, -1 ESPIPE",
     [](Session& session) {
       Folder folder;
       const int file = cold_file(session, folder.file("f"), "hello");
       session.call(session.either("syncfs", ::syncfs), file);
       session.call(session.either("syncfs", ::syncfs), -1);
       const auto range = session.either("sync_file_range", ::sync_file_range);
       session.call(range, file, 0, 5, 7u);
       session.call(range, pipe_ends(session).reader, 0, 5, 7u);
     }},
    {"RangesBeyondTheSizeLimit", "-1 EFBIG, 1 signals, 27, 2 signals, -1 EFBIG, 3 signals",
     [](Session& session) {
       Folder folder;
       const int from = cold_file(session, folder.file("f"), "hello");
       const int file = cold_file(session, folder.file("g"), "hello");
       const SmallFilesOnly limit(session, 5);
       session.call(session.either("fallocate", ::fallocate), file, 0, 0, 10);
       limit.note_signals();
       session.measure(
           [&] { return session.either("posix_fallocate", ::posix_fallocate)(file, 0, 10); });
       limit.note_signals();
       off64_t target = 5;
       session.call(session.either("copy_file_range", ::copy_file_range), from, nullptr, file,
                    &target, 5, 0u);
       limit.note_signals();
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

class FileParity : public testing::TestWithParam<ParityCase> {};

TEST_P(FileParity, HoldsInEveryWay) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Files, FileParity, testing::ValuesIn(kFiles),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Vectors, FileParity, testing::ValuesIn(kVectors),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Ranges, FileParity, testing::ValuesIn(kRanges),
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

/// Calls on `file` that go to a helper, each in a task, whose result is its errno.
std::vector<Task<int>> queued_calls(int file, int other) {
  std::vector<Task<int>> tasks;
  const auto queue = [&tasks](auto call) {
    tasks.push_back(spawn([call] {
      EXPECT_EQ(call(), -1);
      return errno;
    }));
  };
  queue([file] { return write(file, "hello", 5); });
  queue([file] {
    char text[] = "hello";
    const TwoPieces two(text, 5);
    return writev(file, two.pieces, 2);
  });
  queue([file] { return fsync(file); });
  queue([file] { return fallocate(file, 0, 0, 10); });
  queue([file, other] { return copy_file_range(file, nullptr, other, nullptr, 5, 0); });
  queue([file, other] { return copy_file_range(other, nullptr, file, nullptr, 5, 0); });
  tasks.push_back(spawn([file] { return posix_fallocate(file, 0, 10); }));
  return tasks;
}

TEST(Files, ACallThatWaitsForAHelperHitsNoStranger) {
  run_with_session_in_main([](Session& session) {
    Folder folder;
    const int file = cold_file(session, folder.file("f"), "", O_RDWR | O_APPEND);
    const int stranger = cold_file(session, folder.file("stranger"), "", O_RDWR | O_APPEND);
    const int other = cold_file(session, folder.file("g"), "hello");
    BusyFileHelpers busy;
    std::vector<Task<int>> tasks = queued_calls(file, other);
    usleep(100);
    EXPECT_EQ(dup2(stranger, file), file);
    busy.let_go();
    for (auto& task : tasks) EXPECT_EQ(task.join(), EBADF);
    EXPECT_EQ(lseek(stranger, 0, SEEK_END), 0);
    EXPECT_EQ(lseek(other, 0, SEEK_END), 5);
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

/// How a record is read or written.
using Transfer = ssize_t (*)(int file, char* record);

/// Eight coroutines copy a file of records by the position. Both files in the end hold what they
/// should.
void expect_records_to_stay_together(Session& session, Transfer read_one, Transfer write_one) {
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
      while (read_one(file, room.data()) > 0) {
        ++seen;
        EXPECT_TRUE(is_one_record(room));
        EXPECT_EQ(write_one(copy, room.data()), static_cast<ssize_t>(kRecord));
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
}

TEST(Files, CallsByThePositionKeepRecordsTogether) {
  run_with_session_in_main([](Session& session) {
    expect_records_to_stay_together(
        session, [](int file, char* record) { return read(file, record, kRecord); },
        [](int file, char* record) { return write(file, record, kRecord); });
  });
}

TEST(Files, VectorsByThePositionKeepRecordsTogether) {
  run_with_session_in_main([](Session& session) {
    expect_records_to_stay_together(
        session,
        [](int file, char* record) {
          const TwoPieces two(record, kRecord);
          return readv(file, two.pieces, 2);
        },
        [](int file, char* record) {
          const TwoPieces two(record, kRecord);
          return writev(file, two.pieces, 2);
        });
  });
}

}  // namespace
}  // namespace colibri::test
