// read, write, pread, pwrite and fsync of files, and what is done with ranges of them, give what
// libc gives; other coroutines run while one waits.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstring>

#include "test/support/channels.h"
#include "test/support/files.h"
#include "test/support/situations.h"
#include "test/support/transfers.h"

extern "C" ssize_t __pread_chk(int, void*, size_t, off_t, size_t);

namespace colibri::test {
namespace {

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

class FileParity : public testing::TestWithParam<ParityCase> {};

TEST_P(FileParity, HoldsInEveryWay) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Files, FileParity, testing::ValuesIn(kFiles),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Ranges, FileParity, testing::ValuesIn(kRanges),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
