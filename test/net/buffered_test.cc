// BufferedReader and BufferedWriter.
#include "colibri/net/buffered.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "colibri/core/sleep.h"
#include "colibri/core/task.h"
#include "colibri/net/unix_stream.h"
#include "test/net/loopback.h"
#include "test/support/run_in_scheduler.h"

namespace colibri {
namespace {

using std::chrono::milliseconds;
using test::error_of_call;
using test::run_in_scheduler;
using test::test_text;

/// Sends each piece by itself, with time to arrive between them, and the end.
Task<void> send_in_pieces(UnixStream& stream, std::vector<std::string> pieces) {
  return spawn([&stream, pieces = std::move(pieces)] {
    for (const std::string& piece : pieces) {
      stream.write_all(piece);
      sleep_for(milliseconds(1));
    }
    stream.shutdown_write();
  });
}

TEST(StreamReference, ACopyRefersToTheStreamAndNotToTheReference) {
  static_assert(!ByteStream<StreamReference> && !ByteStream<const StreamReference>);
  run_in_scheduler([] {
    auto [near, far] = UnixStream::pair();
    auto first = std::make_unique<StreamReference>(near);
    const StreamReference copy(*first);
    first.reset();
    copy.write_both(std::as_bytes(std::span("ab", 2)), std::as_bytes(std::span("cd", 2)));
    copy.write_all(std::as_bytes(std::span("e", 1)));
    EXPECT_EQ(test::read_text(far, 5), "abcde");
  });
}

TEST(BufferedReader, ReadsLinesHoweverTheyArrive) {
  run_in_scheduler([] {
    for (const std::vector<std::string>& pieces :
         {std::vector<std::string>{"one\r\ntwo\n\nthree\r\nlast"},
          {"o", "ne\r", "\ntw", "o\n", "\n", "three\r\nl", "ast"}}) {
      auto [near, far] = UnixStream::pair();
      auto sender = send_in_pieces(near, pieces);
      BufferedReader reader(far, 16);
      for (const char* line : {"one", "two", "", "three", "last"}) {
        EXPECT_EQ(reader.read_line(), line);
      }
      EXPECT_EQ(reader.read_line(), std::nullopt);
      EXPECT_EQ(reader.read_line(), std::nullopt) << "and again";
      sender.join();
    }
  });
}

TEST(BufferedReader, ReadsUntilADelimiterThatComesInParts) {
  run_in_scheduler([] {
    auto [near, far] = UnixStream::pair();
    auto sender = send_in_pieces(near, {"ab-", "-", "-c--", "-", "rest"});
    BufferedReader reader(far, 9);
    EXPECT_EQ(reader.read_until("---"), "ab---");
    EXPECT_EQ(reader.read_until("---"), "c---");
    EXPECT_EQ(reader.read_until("---"), "");
    EXPECT_EQ(reader.buffered(), "rest");
    sender.join();
  });
}

TEST(BufferedReader, RefusesALineThatIsLongerThanItsRoom) {
  run_in_scheduler([] {
    auto [near, far] = UnixStream::pair();
    near.write_all("1234567\n12345678\n");
    BufferedReader reader(far, 8);
    EXPECT_EQ(reader.read_line(), "1234567");
    EXPECT_EQ(error_of_call([&] { reader.read_line(); }), EMSGSIZE);
    EXPECT_EQ(reader.buffered(), "12345678");
    reader.consume(100);
    EXPECT_EQ(reader.read_line(), "") << "it goes on behind what was passed over";
  });
}

TEST(BufferedReader, TakesAllKindsOfReadsInTurn) {
  run_in_scheduler([] {
    auto [near, far] = UnixStream::pair();
    const std::string text = test_text(100'000);
    auto sender = send_in_pieces(near, {"head\n" + text, "tail"});
    BufferedReader reader(far, 64);
    EXPECT_EQ(reader.read_line(), "head");
    std::string body(text.size(), '\0');
    EXPECT_TRUE(reader.read_exactly(std::as_writable_bytes(std::span(body))));
    EXPECT_EQ(body, text);
    std::array<char, 4> tail{};
    const auto bytes = std::as_writable_bytes(std::span(tail));
    EXPECT_EQ(reader.read_some(bytes.first(1)), 1U);
    EXPECT_TRUE(reader.read_exactly(bytes.subspan(1)));
    EXPECT_EQ(std::string(tail.data(), tail.size()), "tail");
    EXPECT_FALSE(reader.read_exactly(bytes));
    EXPECT_EQ(reader.read_some(bytes), 0U);
    EXPECT_TRUE(reader.read_exactly({}));
    sender.join();
  });
}

TEST(BufferedReader, ReadsMoreBehindWhatIsThereUntilThereIsNoRoom) {
  run_in_scheduler([] {
    auto [near, far] = UnixStream::pair();
    BufferedReader reader(far, 4);
    near.write_all("abc");
    EXPECT_TRUE(reader.read_more());
    reader.consume(1);
    near.write_all("defg");
    EXPECT_TRUE(reader.read_more());
    EXPECT_EQ(reader.buffered(), "bcd") << "as far as there was room behind";
    EXPECT_TRUE(reader.read_more());
    EXPECT_EQ(reader.buffered(), "bcde");
    EXPECT_EQ(error_of_call([&] { reader.read_more(); }), EMSGSIZE);
    reader.consume(4);
    near.shutdown_write();
    EXPECT_TRUE(reader.read_more());
    EXPECT_EQ(reader.buffered(), "fg");
    EXPECT_FALSE(reader.read_more());
    EXPECT_EQ(reader.buffered(), "fg");
  });
}

TEST(BufferedReader, TriesToReadMoreWithoutWaiting) {
  run_in_scheduler([] {
    auto [near, far] = UnixStream::pair();
    BufferedReader reader(far, 8);
    EXPECT_EQ(reader.try_read_more(), std::nullopt);
    near.write_all("abcd");
    EXPECT_EQ(reader.try_read_more(), true);
    EXPECT_EQ(reader.try_read_more(), std::nullopt);
    near.write_all("efgh");
    EXPECT_EQ(reader.try_read_more(), true);
    EXPECT_EQ(reader.buffered(), "abcdefgh");
    EXPECT_EQ(error_of_call([&, &r = reader] { r.try_read_more(); }), EMSGSIZE);
    reader.consume(5);
    near.close();
    EXPECT_EQ(reader.try_read_more(), false);
    EXPECT_EQ(reader.buffered(), "fgh");
  });
}

TEST(BufferedReader, AnEndWithinWhatWasWantedIsAnError) {
  run_in_scheduler([] {
    auto [near, far] = UnixStream::pair();
    auto sender = send_in_pieces(near, {"abc"});
    BufferedReader reader(far);
    std::array<std::byte, 5> five;
    EXPECT_EQ(error_of_call([&] { reader.read_exactly(five); }), ECONNABORTED);
    sender.join();
  });
}

TEST(BufferedWriter, SendsOnceItsRoomIsFullOrWhenAsked) {
  run_in_scheduler([] {
    auto [near, far] = UnixStream::pair();
    BufferedWriter writer(near, 8);
    writer.write("1234");
    writer.write("5678");
    EXPECT_EQ(writer.buffered(), 8U);
    std::array<std::byte, 1> byte;
    far.set_timeouts({.idle = milliseconds(2)});
    EXPECT_EQ(error_of_call([&, &other = far] { other.read_some(byte); }), ETIMEDOUT)
        << "nothing was sent";
    writer.write("9");
    EXPECT_EQ(writer.buffered(), 0U);
    EXPECT_EQ(test::read_text(far, 9), "123456789");
    writer.write("abc");
    writer.flush();
    EXPECT_EQ(test::read_text(far, 3), "abc");
    writer.flush();
    writer.write("");
    EXPECT_EQ(error_of_call([&, &other = far] { other.read_some(byte); }), ETIMEDOUT);
  });
}

TEST(BufferedWriter, KeepsTheOrderOfSmallAndLargeWrites) {
  run_in_scheduler([] {
    auto [near, far] = UnixStream::pair();
    std::string expected;
    auto sender = spawn([&, &stream = near] {
      BufferedWriter writer(stream, 100);
      for (std::size_t i = 0; i < 200; ++i) {
        const std::string piece = test_text(i * i % 977 + i % 3);
        writer.write(piece);
        expected += piece;
      }
      writer.flush();
      stream.shutdown_write();
    });
    const std::string read = test::read_all(far);
    sender.join();
    EXPECT_EQ(read, expected);
  });
}

TEST(BufferedWriter, NothingFollowsWhatWasCut) {
  run_in_scheduler([] {
    const std::string large = test_text(10'000'000);
    auto [near, far] = UnixStream::pair();
    BufferedWriter writer(near, 8);
    near.set_timeouts({.write = milliseconds(5)});
    writer.write("begin");
    EXPECT_EQ(error_of_call([&, &w = writer] { w.write(large); }), ETIMEDOUT);
    EXPECT_TRUE(writer.is_broken());
    for (const std::string_view more : {std::string_view("x"), std::string_view(large)}) {
      EXPECT_EQ(error_of_call([&] { writer.write(more); }), EPIPE);
    }
    EXPECT_EQ(error_of_call([&] { writer.flush(); }), EPIPE);
    near.close();
    const std::string read = test::read_all(far);
    EXPECT_LT(read.size(), large.size());
    EXPECT_EQ(read, ("begin" + large).substr(0, read.size()));
  });
}

TEST(BufferedWriter, WhoHadNothingToSendLosesNothing) {
  run_in_scheduler([] {
    auto [near, far] = UnixStream::pair();
    BufferedWriter writer(near, 8);
    EXPECT_EQ(error_of_call([&] {
                const TimeLimit limit(milliseconds(0));
                writer.flush();
              }),
              ETIMEDOUT);
    writer.write("kept");
    writer.flush();
    EXPECT_EQ(test::read_text(far, 4), "kept");
  });
}

}  // namespace
}  // namespace colibri
