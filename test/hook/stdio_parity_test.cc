// Streams on sockets and pipes are opened, locked, opened again and closed as libc's are.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "colibri/core/sanitizer.h"
#include "test/hook/stdio_channels.h"

namespace colibri::test {
namespace {

const Situated kWholes[] = {
    {"KnowsItsDescriptor", kStreamChannels, "right, right, 0, -1 EBADF",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const int copy = session.libc.dup(ends.reader);
       FILE* stream = io.fdopen(copy, "r");
       session.note_if(fileno(stream) == copy, "right");
       session.note_if(fileno_unlocked(stream) == copy, "right");
       session.call(io.fclose, stream);
       session.call(session.libc.close, copy);
     }},
    {"BothWays", kStreamSocketChannels, "question|, answer|",
     [](Session& session, const Stdio& io, const Ends& ends) {
       FILE* one = stream_on(session, ends.reader, "r+");
       session.meanwhile([&session, io, ends] {
         FILE* two = stream_on(session, ends.writer, "w+");
         io.fputs("question\n", two);
         io.fflush(two);
         char text[20] = {};
         io.fgets(text, sizeof text, two);
         io.fputs(text, two);
         io.fclose(two);
       });
       note_line(session, one);
       io.fputs("answer\n", one);
       io.fflush(one);
       note_line(session, one);
       session.finish_helpers();
       io.fclose(one);
     }},
    {"IsLocked", kStreamChannels, "0, 0, 0",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       session.call(io.ftrylockfile, streams.out);
       session.call(io.ftrylockfile, streams.out);
       session.measure([&] { return io.putc_unlocked('x', streams.out) == 'x' ? 0 : -1; });
       io.funlockfile(streams.out);
       io.funlockfile(streams.out);
       streams.end(io);
     }},
    {"IsReopenedAsAFile", kStreamChannels, "hello, same stream, right, 0, 0",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       const int number = fileno(streams.out);
       io.fputs("hello", streams.out);
       FILE* again = io.freopen("/dev/null", "w", streams.out);
       note_arrived(session, ends.reader);
       session.note_if(again == streams.out, "same stream");
       session.note_if(fileno(again) == number, "right");
       session.measure([&] { return io.fputs("world", again) >= 0 ? 0 : -1; });
       session.call(io.fclose, again);
       io.fclose(streams.in);
     }},
    {"IsReopenedAsWhatIsNotThere", kStreamChannels, "hello, no stream, -1 EBADF",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       const int number = fileno(streams.out);
       io.fputs("hello", streams.out);
       FILE* again = io.freopen("/nothing/there", "w", streams.out);
       note_arrived(session, ends.reader);
       session.note(again == nullptr ? "no stream" : "a stream");
       session.call(session.libc.close, number);
       keep_for_good(streams.out);  // libc closes it, and never frees it
       io.fclose(streams.in);
     }},
    {"AppendsByItsDescription", kStreamChannels, "appends",
     [](Session& session, const Stdio& io, const Ends& ends) {
       FILE* stream = stream_on(session, ends.writer, "a");
       session.note_if((session.libc.fcntl(fileno(stream), F_GETFL) & O_APPEND) != 0, "appends");
       io.fclose(stream);
     }},
    {"ClosedBefore", kStreamChannels, "-1 EBADF",
     [](Session& session, const Stdio& io, const Ends& ends) {
       FILE* stream = stream_on(session, ends.writer, "w");
       session.libc.close(fileno(stream));
       session.call(io.fclose, stream);
     }},
};

void note_refusal(Session& session, FILE* stream) {
  const int error = errno;
  session.note(stream != nullptr ? "a stream" : "no stream");
  session.append(error == EBADF ? "EBADF" : error == EINVAL ? "EINVAL" : "another error");
}

const ParityCase kOpenings[] = {
    {"FdopenErrors", "no stream EBADF, no stream EINVAL, no stream EINVAL, no stream EINVAL",
     [](Session& session) {
       const Stdio io(session);
       const Ends ends = pipe_ends(session);
       note_refusal(session, io.fdopen(free_number(session), "r"));
       note_refusal(session, io.fdopen(ends.reader, "x"));
       note_refusal(session, io.fdopen(ends.reader, "w"));
       note_refusal(session, io.fdopen(ends.writer, "r"));
     }},
    {"FopenOfAFifoWaits", "hello|, nothing",
     [](Session& session) {
       const Stdio io(session);
       const auto fopen = session.either("fopen", ::fopen);
       char folder[] = "/tmp/colibri_test_XXXXXX";
       ASSERT_NE(mkdtemp(folder), nullptr);
       const std::string path = std::string(folder) + "/fifo";
       ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
       session.meanwhile([io, fopen, path] {
         FILE* out = fopen(path.c_str(), "we");
         io.fputs("hello\n", out);
         io.fclose(out);
       });
       FILE* in = fopen(path.c_str(), "re");
       note_line(session, in);
       note_line(session, in);
       session.finish_helpers();
       io.fclose(in);
       unlink(path.c_str());
       rmdir(folder);
     }},
    {"FopenOfAFifoForBothWays", "hello|",
     [](Session& session) {
       const Stdio io(session);
       char folder[] = "/tmp/colibri_test_XXXXXX";
       ASSERT_NE(mkdtemp(folder), nullptr);
       const std::string path = std::string(folder) + "/fifo";
       ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
       const auto fopen = session.either("fopen", ::fopen);
       FILE* in = fopen(path.c_str(), "r+");
       session.meanwhile([io, fopen, path] {
         FILE* out = fopen(path.c_str(), "w");
         io.fputs("hello\n", out);
         io.fclose(out);
       });
       note_line(session, in);
       session.finish_helpers();
       io.fclose(in);
       unlink(path.c_str());
       rmdir(folder);
     }},
    {"FopenErrors", "no stream, no stream, a stream",
     [](Session& session) {
       const auto fopen = session.either("fopen", ::fopen);
       session.note(fopen("/nothing/there", "r") == nullptr ? "no stream" : "a stream");
       session.note(fopen("/dev/null", "x") == nullptr ? "no stream" : "a stream");
       FILE* null = session.either("fopen64", ::fopen64)("/dev/null", "r");
       session.note(null == nullptr ? "no stream" : "a stream");
       Stdio(session).fclose(null);
     }},
    {"PopenReads", "hello|, nothing, 768",
     [](Session& session) {
       FILE* child = session.either("popen", ::popen)("sleep 0.02; echo hello; exit 3", "re");
       note_line(session, child);
       note_line(session, child);
       session.call(session.either("pclose", ::pclose), child);
     }},
    {"PopenWrites", "200000, 0",
     [](Session& session) {
       const std::string text(200'000, 'x');
       FILE* child = session.either("popen", ::popen)("test $(wc -c) = 200000", "w");
       session.note(std::to_string(Stdio(session).fwrite(text.data(), 1, text.size(), child)));
       session.call(session.either("pclose", ::pclose), child);
     }},
    {"PopenErrors", "no stream EINVAL",
     [](Session& session) {
       note_refusal(session, session.either("popen", ::popen)("true", "x"));
     }},
};

class StdioParity : public testing::TestWithParam<ParityCase> {};

TEST_P(StdioParity, HoldsInEveryWay) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Whole, StdioParity, testing::ValuesIn(on_channels(kWholes)),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Opening, StdioParity, testing::ValuesIn(kOpenings),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
