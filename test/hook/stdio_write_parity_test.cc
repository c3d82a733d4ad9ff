// What writes to a stream on a socket or pipe gives what libc's gives, and waits where that waits.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>

#include <memory>

#include "test/hook/stdio_channels.h"

namespace colibri::test {
namespace {

const Situated kWriting[] = {
    {"IsBuffered", kStreamChannels, "3, nothing, 0, a-1",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       session.note(std::to_string(io.fprintf(streams.out, "%s-%d", "a", 1)));
       note_arrived(session, ends.reader);
       session.call(io.fflush, streams.out);
       note_arrived(session, ends.reader);
       streams.end(io);
     }},
    {"ByLine", kStreamChannels, "a|, b-2|",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       io.setlinebuf(streams.out);
       io.fputs("a\nb", streams.out);
       note_arrived(session, ends.reader);
       io.fprintf(streams.out, "-%d\n", 2);
       note_arrived(session, ends.reader);
       streams.end(io);
     }},
    {"WithoutABuffer", kStreamChannels, "0, a-1, b, c",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       session.call(io.setvbuf, streams.out, nullptr, _IONBF, 0);
       io.fprintf(streams.out, "%s-%d", "a", 1);
       note_arrived(session, ends.reader);
       io.putc('b', streams.out);
       note_arrived(session, ends.reader);
       io.putc_unlocked('c', streams.out);
       note_arrived(session, ends.reader);
       streams.end(io);
     }},
    {"MuchWaitsForRoom", kStreamChannels, "400000, right",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       make_buffers_small(session, ends);
       const auto got = std::make_shared<std::string>();
       session.meanwhile([&session, ends, got] { *got = take(session, ends.reader, 400'000); });
       const std::string text(400'000, 'x');
       session.note(std::to_string(io.fwrite(text.data(), 1, text.size(), streams.out)));
       io.fflush(streams.out);
       session.finish_helpers();
       session.note_if(*got == text, "right");
       streams.end(io);
     }},
    {"Words", kStreamChannels, "0, 0, 1234567",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       session.call(io.putw, 1234567, streams.out);
       session.call(io.fflush, streams.out);
       session.note(std::to_string(io.getw(streams.in)));
       streams.end(io);
     }},
    {"FortifiedWrites", kStreamChannels, "3, a-1",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       session.note(std::to_string(io.fprintf_chk(streams.out, 1, "%s-%d", "a", 1)));
       io.fflush(streams.out);
       note_arrived(session, ends.reader);
       streams.end(io);
     }},
    {"FlushesAll", kStreamChannels, "0, hello",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       io.fputs("hello", streams.out);
       session.call(io.fflush, static_cast<FILE*>(nullptr));
       note_arrived(session, ends.reader);
       streams.end(io);
     }},
    {"TheEndFlushes", kStreamChannels, "nothing, 0, hello",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       io.fputs("hello", streams.out);
       note_arrived(session, ends.reader);
       session.call(io.fclose, streams.out);
       note_arrived(session, ends.reader);
       io.fclose(streams.in);
     }},
    {"APositionThereIsNot", kStreamChannels, "-1 ESPIPE, hello",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       io.fputs("hello", streams.out);
       session.call(io.fseek, streams.out, 0L, SEEK_SET);
       note_arrived(session, ends.reader);
       streams.end(io);
     }},
    {"ABrokenConnection", kStreamChannels, "-1 EPIPE, no end and error",
     [](Session& session, const Stdio& io, const Ends& ends) {
       signal(SIGPIPE, SIG_IGN);
       const Streams streams(session, ends);
       io.fclose(streams.in);
       if (session.libc.shutdown(ends.writer, SHUT_WR) != 0) session.close(ends.reader);
       io.fputs("hello", streams.out);
       session.call(io.fflush, streams.out);
       note_state(session, streams.out);
       io.fclose(streams.out);
     }},
    {"DprintfWaitsForRoom", kStreamChannels, "300001, right",
     [](Session& session, const Stdio& io, const Ends& ends) {
       make_buffers_small(session, ends);
       const auto got = std::make_shared<std::string>();
       session.meanwhile([&session, ends, got] { *got = take(session, ends.reader, 300'001); });
       const std::string text(300'000, 'x');
       session.note(std::to_string(io.dprintf(ends.writer, "%s%d", text.c_str(), 7)));
       session.finish_helpers();
       session.note_if(*got == text + "7", "right");
     }},
    {"Dprintf", kStreamChannels, "3, a-1, 0",
     [](Session& session, const Stdio& io, const Ends& ends) {
       session.note(std::to_string(io.dprintf(ends.writer, "%s-%d", "a", 1)));
       note_arrived(session, ends.reader);
       session.note(std::to_string(io.dprintf(ends.writer, "%s", "")));
     }},
};

class StdioWriteParity : public testing::TestWithParam<ParityCase> {};

TEST_P(StdioWriteParity, HoldsInEveryWay) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Writing, StdioWriteParity, testing::ValuesIn(on_channels(kWriting)),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
