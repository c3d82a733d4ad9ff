// What reads from a stream on a socket or pipe gives what libc's gives, and waits where that waits.
#include <gtest/gtest.h>
#include <stdlib.h>

#include "test/hook/stdio_channels.h"

namespace colibri::test {
namespace {

const Situated kReading[] = {
    {"LinesAreWaitedFor", kStreamChannels, "hello|, world|, nothing, end and no error",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       io.fclose(streams.out);
       session.meanwhile([&session, ends] {
         put(session, ends.writer, "hel");
         session.until_waiting();
         put(session, ends.writer, "lo\nworld\n");
         session.until_waiting();
         session.close(ends.writer);
       });
       for (int i = 0; i < 3; ++i) note_line(session, streams.in);
       note_state(session, streams.in);
       io.fclose(streams.in);
     }},
    {"ALineIsCutWhereThereIsNoRoom", kStreamChannels, "hel, lo|",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       session.meanwhile([&session, ends] { put(session, ends.writer, "hello\n"); });
       note_line(session, streams.in, 4);
       note_line(session, streams.in, 4);
       streams.end(io);
     }},
    {"Getline", kStreamChannels, "6 hello|, 3 end, -1",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       io.fclose(streams.out);
       session.meanwhile([&session, ends] {
         put(session, ends.writer, "hello\nen");
         session.until_waiting();
         put(session, ends.writer, "d");
         session.until_waiting();
         session.close(ends.writer);
       });
       char* line = nullptr;
       std::size_t room = 0;
       for (int i = 0; i < 3; ++i) {
         const ssize_t size = io.getline(&line, &room, streams.in);
         session.note(std::to_string(size));
         if (size > 0) session.append(line_of(line));
       }
       free(line);
       io.fclose(streams.in);
     }},
    {"Getdelim", kStreamChannels, "3 ab;, 2 c;",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       session.meanwhile([&session, ends] { put(session, ends.writer, "ab;c;d"); });
       char* text = nullptr;
       std::size_t room = 0;
       for (int i = 0; i < 2; ++i) {
         session.note(std::to_string(io.getdelim(&text, &room, ';', streams.in)));
         session.append(text);
       }
       free(text);
       streams.end(io);
     }},
    {"FreadWaitsForAll", kStreamChannels, "2 abcdef, 1 ghij, end and no error, 0",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       io.fclose(streams.out);
       session.meanwhile([&session, ends] {
         for (const char* piece : {"ab", "cde", "fgh", "ij"}) {
           put(session, ends.writer, piece);
           session.until_waiting();
         }
         session.close(ends.writer);
       });
       for (int i = 0; i < 2; ++i) {
         char text[7] = {};
         session.note(std::to_string(io.fread(text, 3, 2, streams.in)));
         session.append(text);
       }
       note_state(session, streams.in);
       char more;
       session.note(std::to_string(io.fread(&more, 1, 1, streams.in)));
       io.fclose(streams.in);
     }},
    {"FreadOfMuchGoesPastTheBuffer", kStreamChannels, "100000 right",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       const std::string text(100'000, 'x');
       session.meanwhile(
           [&session, ends] { put(session, ends.writer, std::string(100'000, 'x')); });
       std::string got(text.size(), '.');
       session.note(std::to_string(io.fread(got.data(), 1, got.size(), streams.in)));
       session.append(got == text ? "right" : "wrong");
       session.finish_helpers();
       streams.end(io);
     }},
    {"SingleBytes", kStreamChannels, "97, 98, 98, 99, -1",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       io.fclose(streams.out);
       session.meanwhile([&session, ends] {
         put(session, ends.writer, "ab");
         session.until_waiting();
         put(session, ends.writer, "c");
         session.until_waiting();
         session.close(ends.writer);
       });
       const auto note = [&session](int byte) { session.note(std::to_string(byte)); };
       note(io.getc(streams.in));
       const int byte = io.getc_unlocked(streams.in);
       note(byte);
       io.ungetc(byte, streams.in);
       note(io.getc_unlocked(streams.in));
       note(io.getc(streams.in));
       note(io.getc(streams.in));
       io.fclose(streams.in);
     }},
    {"Fscanf", kStreamChannels, "2 12 345, 0 0 0, 116",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       session.meanwhile([&session, ends] {
         put(session, ends.writer, "12 3");
         session.until_waiting();
         put(session, ends.writer, "45 ten");
       });
       for (int i = 0; i < 2; ++i) {
         int first = 0;
         int second = 0;
         session.note(std::to_string(io.fscanf(streams.in, "%d %d", &first, &second)));
         session.append(std::to_string(first) + " " + std::to_string(second));
       }
       session.note(std::to_string(io.getc(streams.in)));
       streams.end(io);
     }},
    {"Fortified", kStreamChannels, "hello|, 3 abc",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       session.meanwhile([&session, ends] { put(session, ends.writer, "hello\nabc"); });
       char text[10] = {};
       session.note(line_of(io.fgets_chk(text, sizeof text, 10, streams.in)));
       char more[4] = {};
       session.note(std::to_string(io.fread_chk(more, sizeof more, 1, 3, streams.in)));
       session.append(more);
       streams.end(io);
     }},
    {"OfWhatDoesNotWait", kStreamChannels, "nothing, no end and error, -1 EAGAIN",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       set_nonblocking(session, ends.reader);
       note_line(session, streams.in);
       note_state(session, streams.in);
       session.call(io.getc, streams.in);
       streams.end(io);
     }},
    {"ATimeoutIsAnError", kStreamSocketChannels, "-1 EAGAIN, no end and error",
     [](Session& session, const Stdio& io, const Ends& ends) {
       const Streams streams(session, ends);
       set_timeout(session, ends.reader, SO_RCVTIMEO, 2'000);
       session.call(io.getc, streams.in);
       note_state(session, streams.in);
       streams.end(io);
     }},
};

class StdioReadParity : public testing::TestWithParam<ParityCase> {};

TEST_P(StdioReadParity, HoldsInEveryWay) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Reading, StdioReadParity, testing::ValuesIn(on_channels(kReading)),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
