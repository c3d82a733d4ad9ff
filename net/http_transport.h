// HttpTransport: a connection's bytes, as requests and answers use them.
#pragma once

#include <chrono>
#include <memory>

#include "colibri/net/buffered.h"
#include "colibri/net/http_connections.h"
#include "colibri/net/http_options.h"
#include "colibri/net/http_stream.h"

namespace colibri::net_detail {

/// How a wait for what need not come has ended.
enum class HttpArrival {
  kBytes,  // there is more to read
  kEnd,    // the stream has ended
  kLate,   // the time is over
  kStop,   // nothing was there, and the server was asked to stop
};

/// Reads ahead, and writes behind: what was written is sent before anybody waits for more to read,
/// so that answers to requests that came together leave together. One coroutine's.
class HttpTransport {
 public:
  /// `all`, which must outlive it, has this connection meanwhile.
  HttpTransport(std::unique_ptr<HttpStream> stream, const HttpServerOptions& options,
                HttpConnections& all);

  TcpStream& stream() noexcept { return stream_->tcp(); }
  BufferedReader& reader() noexcept { return reader_; }
  BufferedWriter& writer() noexcept { return writer_; }

  /// The server was asked to stop.
  bool stopping() const noexcept { return membership_.stopping(); }

  /// To be called first. False if the client says nothing, and is to be let go.
  bool shake_hands();

  /// Waits for what need not come, for so long (zero: for ever), and reads it. Sends nothing.
  /// `until_stop`: the server's stop ends this, too. Errors are those of the stream; a TimeLimit
  /// that is over is one.
  HttpArrival read_idle(std::chrono::milliseconds patience, bool until_stop);
  /// Waits for the first byte of a request, as long as a connection may be idle. False if none
  /// comes any more: the stream has ended, the time is over, or the server stops.
  bool wait_for_request();
  /// Reads more of a request. Throws HttpError, 408 when the deadline has passed, and 400 if the
  /// stream ends.
  void read_more(Deadline deadline);

  /// An answer has begun whose end will be that of the connection, which the client could not tell
  /// from an end that comes too early: until the answer is whole, the connection's end is a reset.
  void begin_open_answer() noexcept;
  /// Sends the last of it.
  void end_open_answer();
  /// It was cut, and nothing may follow but the reset.
  bool has_open_answer() const noexcept { return has_open_answer_; }

  /// What was read is nothing that the protocol below HTTP could make sense of: the client's
  /// mistake, though its error may have come through a handler.
  bool has_bad_client() const noexcept { return has_bad_client_; }

  /// Says that no more is sent, and passes over what the client may still be sending, for a while:
  /// bytes that nobody has read would make the kernel reset the connection, and the client might
  /// lose the last answer. A stream that fails is let go.
  void linger();

  /// The end: hands over what is at the bottom, to be closed. No other method may follow.
  TcpStream release() noexcept { return stream_->release(!has_open_answer_); }

 private:
  template <class Read>
  auto watch(Read read);
  template <class Look>
  HttpArrival await(std::chrono::milliseconds patience, bool until_stop, Look look);

  const std::unique_ptr<HttpStream> stream_;
  const std::chrono::milliseconds idle_;
  BufferedReader reader_;
  BufferedWriter writer_;
  const HttpConnections::Membership membership_;
  bool has_open_answer_ = false;
  bool has_bad_client_ = false;
};

}  // namespace colibri::net_detail
