// readv, writev and their kin at a place, of files, give what libc gives.
#include <gtest/gtest.h>
#include <sys/uio.h>

#include <vector>

#include "test/support/files.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

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

class FileVectorParity : public testing::TestWithParam<ParityCase> {};

TEST_P(FileVectorParity, HoldsInEveryWay) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Vectors, FileVectorParity, testing::ValuesIn(kVectors),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
