// Descriptors with ways of their own: packet pipes, terminals, eventfd, timerfd, files and devices.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include <memory>

#include "test/support/channels.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

void try_write(Session& session, int descriptor, const std::string& text) {
  transmit(session, kWriters[0], descriptor, text);
}

/// A counter's 8 bytes as a number.
void read_number(Session& session, int descriptor) {
  std::uint64_t number = 0;
  session.call(session.libc.read, descriptor, static_cast<void*>(&number), sizeof number);
  session.append(std::to_string(number));
}

void write_number(Session& session, int descriptor, std::uint64_t number) {
  session.libc.write(descriptor, &number, sizeof number);
}

const ParityCase kPipes[] = {
    // TRAPS 7: one event for several packets, each a short read.
    {"PacketPipe", "5 hello, 2 wo, 5 again",
     [](Session& session) {
       const Ends ends = packet_pipe_ends(session);
       session.meanwhile([=, &session] {
         put(session, ends.writer, "hello");
         put(session, ends.writer, "world");
         put(session, ends.writer, "again");
       });
       try_read(session, ends.reader);
       try_read(session, ends.reader, 2);  // the rest of a packet is lost
       try_read(session, ends.reader);
     }},
    {"PipeOfWhichTheWriterIsRead", "-1 EBADF, -1 EBADF",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       try_read(session, ends.writer);
       try_write(session, ends.reader, "hello");
     }},
    {"SmallWritesAreWhole", "4000, took 64000",
     [](Session& session) {
       const Ends ends = pipe_ends(session);
       for (int i = 0; i < 15; ++i) put(session, ends.writer, std::string(4000, 'x'));
       const auto taken = std::make_shared<std::string>();
       session.meanwhile([=, &session] { *taken = take(session, ends.reader, 64'000); });
       try_write(session, ends.writer, std::string(4000, 'x'));
       session.finish_helpers();
       session.note("took " + std::to_string(taken->size()));
     }},
    {"NamedPipe", "5 hello, 0",
     [](Session& session) {
       char folder[] = "/tmp/colibri_test_XXXXXX";
       ASSERT_NE(mkdtemp(folder), nullptr);
       const std::string path = std::string(folder) + "/fifo";
       ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
       const int both = session.own(::open(path.c_str(), O_RDWR));
       const int reader = session.own(::open(path.c_str(), O_RDONLY));
       unlink(path.c_str());
       rmdir(folder);
       session.meanwhile([=, &session] { put(session, both, "hello"); });
       try_read(session, reader);
       session.finish_helpers();
       session.meanwhile([=, &session] { session.close(both); });
       try_read(session, reader);
     }},
};

const ParityCase kTerminals[] = {
    // TRAPS 7: two lines, one event, two short reads.
    {"LinesOfATerminal", "6 first\n, 7 second\n",
     [](Session& session) {
       const Ends ends = terminal_ends(session);
       session.meanwhile([=, &session] { put(session, ends.writer, "first\nsecond\n"); });
       try_read(session, ends.reader);
       try_read(session, ends.reader);
     }},
    {"OutputOfATerminal", "5, 5 hello",
     [](Session& session) {
       const Ends ends = terminal_ends(session);
       try_write(session, ends.reader, "hello");
       try_read(session, ends.writer);
     }},
    {"TerminalHangsUp", "-1 EIO",
     [](Session& session) {
       const Ends ends = terminal_ends(session);
       session.meanwhile([=, &session] { session.close(ends.reader); });
       try_read(session, ends.writer);
     }},
    {"NonBlockingTerminal", "-1 EAGAIN",
     [](Session& session) {
       const Ends ends = terminal_ends(session);
       set_nonblocking(session, ends.reader);
       try_read(session, ends.reader);
     }},
};

const ParityCase kCounters[] = {
    {"EventWaits", "8 7, 8 5",
     [](Session& session) {
       const int event = session.own(::eventfd(0, 0));
       session.meanwhile([=, &session] {
         write_number(session, event, 7);
         session.until_waiting();
         write_number(session, event, 5);
       });
       read_number(session, event);
       read_number(session, event);
     }},
    {"SemaphoreWaits", "8 1, 8 1, -1 EINVAL",
     [](Session& session) {
       const int event = session.own(::eventfd(0, EFD_SEMAPHORE));
       session.meanwhile([=, &session] { write_number(session, event, 2); });
       read_number(session, event);
       read_number(session, event);
       try_read(session, event, 4);
     }},
    {"NonBlockingEvent", "-1 EAGAIN 0",
     [](Session& session) { read_number(session, session.own(::eventfd(0, EFD_NONBLOCK))); }},
    {"WriteToAFullEventWaits", "8, 8 3",
     [](Session& session) {
       const int event = session.own(::eventfd(0, 0));
       write_number(session, event, ~std::uint64_t{0} - 1);
       session.meanwhile([=, &session] {
         std::uint64_t number = 0;
         session.libc.read(event, &number, sizeof number);
       });
       const std::uint64_t three = 3;
       session.call(session.libc.write, event, static_cast<const void*>(&three), sizeof three);
       session.finish_helpers();
       read_number(session, event);
     }},
    {"TimerWaits", "8 1, -1 EAGAIN 0",
     [](Session& session) {
       const int timer = session.own(timerfd_create(CLOCK_MONOTONIC, 0));
       itimerspec setting{};
       setting.it_value.tv_nsec = 3'000'000;
       timerfd_settime(timer, 0, &setting, nullptr);
       read_number(session, timer);
       set_nonblocking(session, timer);
       read_number(session, timer);
     }},
};

const ParityCase kFiles[] = {
    {"RegularFile", "5, 0, 5 hello, 0",
     [](Session& session) {
       const int file = session.own(memfd_create("test", 0));
       try_write(session, file, "hello");
       try_read(session, file);
       lseek(file, 0, SEEK_SET);
       try_read(session, file);
       try_read(session, file);
     }},
    {"FileWithoutTheRight", "-1 EBADF, -1 EBADF",
     [](Session& session) {
       try_write(session, session.own(::open("/proc/self/exe", O_RDONLY)), "x");
       try_read(session, session.own(::open("/dev/null", O_WRONLY)));
     }},
    {"Folder", "-1 EISDIR",
     [](Session& session) { try_read(session, session.own(::open("/", O_RDONLY))); }},
    {"Devices", "0, 5, 2 zeros, 5, -1 ENOSPC",
     [](Session& session) {
       const int nothing = session.own(::open("/dev/null", O_RDWR));
       try_read(session, nothing);
       try_write(session, nothing, "hello");
       const int zero = session.own(::open("/dev/zero", O_RDWR));
       char bytes[2] = {'x', 'x'};
       session.call(session.libc.read, zero, static_cast<void*>(bytes), sizeof bytes);
       if (bytes[0] == 0 && bytes[1] == 0) session.append("zeros");
       try_write(session, zero, "hello");
       try_write(session, session.own(::open("/dev/full", O_WRONLY)), "hello");
     }},
    {"PathDescriptor", "-1 EBADF, -1 EBADF",
     [](Session& session) {
       const int path = session.own(::open("/tmp", O_PATH));
       try_read(session, path);
       try_write(session, path, "x");
     }},
};

const ParityCase kUnix[] = {
    // The room was not made by what this socket sent, and it is not connected to the reader.
    {"UnconnectedSenderWaitsForRoomMadeByOthers", "0, 1",
     [](Session& session) {
       const sockaddr_un address = unix_address();
       const sockaddr* to = generic(address);
       const int reader = session.own(session.libc.socket(AF_UNIX, SOCK_DGRAM, 0));
       session.measure([&] { return bind(reader, to, sizeof address); });
       // Several, since a sender's own buffer may be full before the reader's queue is.
       for (int i = 0; i < 8; ++i) {
         const int filler =
             session.own(session.libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
         while (session.libc.sendto(filler, "x", 1, 0, to, sizeof address) == 1) continue;
       }
       session.meanwhile([=, &session] {
         // A descriptor's first wait ends with an edge that tells of its own buffer.
         for (int i = 0; i < 3; ++i) session.until_waiting();
         char byte;
         session.libc.recv(reader, &byte, 1, 0);
       });
       const int sender = session.own(session.libc.socket(AF_UNIX, SOCK_DGRAM, 0));
       session.call(session.libc.sendto, sender, static_cast<const void*>("y"), size_t{1}, 0, to,
                    socklen_t{sizeof address});
     }},
    // TRAPS 7: credentials part what two processes write, and one event tells of both.
    {"CredentialsOfTwoWriters", "2 ab, 2 cd",
     [](Session& session) {
       const Ends ends = unix_stream_ends(session);
       set_option(session, ends.reader, SOL_SOCKET, SO_PASSCRED, 1);
       session.meanwhile([=, &session] {
         put(session, ends.writer, "ab");
         const pid_t child = fork();
         if (child == 0) {
           real::write(ends.writer, "cd", 2);
           _exit(0);
         }
         waitpid(child, nullptr, 0);
       });
       try_read(session, ends.reader);
       try_read(session, ends.reader);
     }},
};

class SpecialDescriptorParity : public testing::TestWithParam<ParityCase> {};

TEST_P(SpecialDescriptorParity, GivesWhatLibcGives) {
  expect_parity(GetParam());
}

using Info = testing::TestParamInfo<ParityCase>;
INSTANTIATE_TEST_SUITE_P(Pipes, SpecialDescriptorParity, testing::ValuesIn(kPipes),
                         name_of_case<Info>);
INSTANTIATE_TEST_SUITE_P(Terminals, SpecialDescriptorParity, testing::ValuesIn(kTerminals),
                         name_of_case<Info>);
INSTANTIATE_TEST_SUITE_P(Counters, SpecialDescriptorParity, testing::ValuesIn(kCounters),
                         name_of_case<Info>);
INSTANTIATE_TEST_SUITE_P(Files, SpecialDescriptorParity, testing::ValuesIn(kFiles),
                         name_of_case<Info>);
INSTANTIATE_TEST_SUITE_P(Unix, SpecialDescriptorParity, testing::ValuesIn(kUnix),
                         name_of_case<Info>);

}  // namespace
}  // namespace colibri::test
