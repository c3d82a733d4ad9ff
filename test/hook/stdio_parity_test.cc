// stdio on sockets and pipes gives what libc's gives on them, and waits where that waits.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <memory>
#include <span>
#include <vector>

#include "test/support/channels.h"
#include "test/support/stdio_functions.h"
#include "test/support/transfers.h"

namespace colibri::test {
namespace {

/// A stream on a copy of `number`, which it closes.
FILE* stream_on(Session& session, int number, const char* mode) {
  return Stdio(session).fdopen(session.libc.dup(number), mode);
}

/// Two streams on the ends of a channel: what goes into `out` comes from `in`. `end()` closes them.
struct Streams {
  Streams(Session& session, const Ends& both)
      : ends(both),
        in(stream_on(session, both.reader, "r")),
        out(stream_on(session, both.writer, "w")) {}
  void end(const Stdio& io) const {
    io.fclose(in);
    io.fclose(out);
  }

  const Ends ends;
  FILE* const in;
  FILE* const out;
};

/// Without its end of line.
std::string line_of(const char* text) {
  std::string line = text != nullptr ? text : "nothing";
  if (line.ends_with('\n')) line.back() = '|';
  return line;
}

void note_line(Session& session, FILE* in, int room = 100) {
  char text[100] = {};
  errno = 0;
  session.note(line_of(Stdio(session).fgets(text, room, in)));
}

void note_state(Session& session, FILE* stream) {
  std::string state = feof(stream) != 0 ? "end" : "no end";
  state += ferror(stream) != 0 ? " and error" : " and no error";
  session.note(state);
}

/// Notes what can be read from the channel now, without waiting.
void note_arrived(Session& session, int reader) {
  char text[100] = {};
  pollfd query{reader, POLLIN, 0};
  const ssize_t size = real::poll(&query, 1, 0) == 1 ? real::read(reader, text, sizeof text) : 0;
  std::string arrived(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  for (char& each : arrived) {
    if (each == '\n') each = '|';
  }
  session.note(arrived.empty() ? "nothing" : arrived);
}

/// A row for every kind of channel that it is about.
struct Situated {
  const char* name;
  unsigned channels;
  const char* expected;
  void (*act)(Session&, const Stdio&, const Ends&);
};

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

std::vector<ParityCase> on_channels(std::span<const Situated> rows) {
  std::vector<ParityCase> cases;
  for (const Channel& channel : kChannels) {
    for (const Situated& row : rows) {
      if ((row.channels & channel.kind) == 0) continue;
      cases.push_back({std::string(channel.name) + "_" + row.name, row.expected,
                       [&channel, &row](Session& session) {
                         row.act(session, Stdio(session), channel.open(session));
                       }});
    }
  }
  return cases;
}

class StdioParity : public testing::TestWithParam<ParityCase> {};

TEST_P(StdioParity, HoldsInEveryWay) {
  expect_parity(GetParam());
}

INSTANTIATE_TEST_SUITE_P(Reading, StdioParity, testing::ValuesIn(on_channels(kReading)),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Writing, StdioParity, testing::ValuesIn(on_channels(kWriting)),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Whole, StdioParity, testing::ValuesIn(on_channels(kWholes)),
                         name_of_case<testing::TestParamInfo<ParityCase>>);
INSTANTIATE_TEST_SUITE_P(Opening, StdioParity, testing::ValuesIn(kOpenings),
                         name_of_case<testing::TestParamInfo<ParityCase>>);

}  // namespace
}  // namespace colibri::test
