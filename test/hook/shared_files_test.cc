// Many coroutines use a file at once: each gets what is its own, and nobody a stranger's file.
#include <gtest/gtest.h>
#include <sys/uio.h>

#include <atomic>
#include <memory>

#include "colibri/core/offload.h"
#include "test/support/files.h"
#include "test/support/run_in_session.h"
#include "test/support/scale.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

TEST(SharedFiles, ManyReadAColdOneAtOnce) {
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

TEST(SharedFiles, ACallThatWaitsForAHelperHitsNoStranger) {
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

TEST(SharedFiles, CallsByThePositionKeepRecordsTogether) {
  run_with_session_in_main([](Session& session) {
    expect_records_to_stay_together(
        session, [](int file, char* record) { return read(file, record, kRecord); },
        [](int file, char* record) { return write(file, record, kRecord); });
  });
}

TEST(SharedFiles, VectorsByThePositionKeepRecordsTogether) {
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
