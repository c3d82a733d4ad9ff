// TcpServer: a coroutine for each connection, on one thread or on several.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "colibri/core/event.h"
#include "colibri/core/spawn_options.h"
#include "colibri/net/tcp_listener.h"

namespace colibri {

class StopSignals;
namespace net_detail {
class ServerShard;
}

/// How a server serves.
struct TcpServerOptions {
  /// 1: connections are served on the thread that calls run. More: on so many threads of the
  /// server's own, each with a scheduler and a listener (SO_REUSEPORT), among which the kernel
  /// spreads connections; each stays where it was accepted. 0: as many as the process may use
  /// processors.
  std::size_t threads = 1;
  /// At once, divided evenly among the threads. Who comes later waits in the kernel's backlog until
  /// another has ended. 0: no limit.
  std::size_t most_connections = 0;
  /// Those of each connection's stream, from the beginning.
  StreamTimeouts timeouts{};
  /// Likewise; see StreamSocket::set_receive_ahead.
  bool receive_ahead = false;
  /// How long connections may go on after the server was asked to stop; then they are cancelled.
  std::chrono::nanoseconds drain = std::chrono::seconds(10);
  /// How long they may take to end after that; who takes longer is logged, and left alone.
  std::chrono::nanoseconds grace = std::chrono::seconds(5);
  /// Signals that ask it to stop, as {SIGTERM, SIGINT}, from its making to its end; see
  /// stop_signals.h.
  std::vector<int> stop_signals{};
  /// Called when the server was asked to stop, before it stops accepting: once in a coroutine of
  /// each thread that serves. Must neither wait nor throw. For handlers that wait for what need not
  /// come.
  std::function<void()> on_stop{};
  /// `reuse_port` is set where there are several threads.
  ListenOptions listen{};
  /// The coroutine of each connection.
  SpawnOptions connection{.name = "connection"};
};

/// What became of connections. A connection that has ended counts in one of the last five.
struct TcpServerCounters {
  std::uint64_t accepted = 0;       // ever
  std::uint64_t active = 0;         // are being served now
  std::uint64_t accept_pauses = 0;  // no descriptors or memory for another: accepted a little later
  std::uint64_t refused = 0;        // accepted, and closed for want of memory for a coroutine
  std::uint64_t completed = 0;      // the handler returned
  std::uint64_t failed = 0;         // the handler threw: logged
  std::uint64_t lost = 0;           // the handler let pass that a peer reset its connection
  std::uint64_t timed_out = 0;      // the handler let pass that a time-out was over
  std::uint64_t canceled = 0;       // when the server stopped
};

/// Listens from its making on; serves while run is called. Methods may be called by any thread and
/// coroutine, unless they say otherwise.
class TcpServer {
 public:
  /// Serves one connection: the coroutine's whole work. When it returns or throws, the connection
  /// is closed; an exception is logged, once a second at most, and ends that connection alone. It
  /// is called on several threads at once if the server has several. The stream lies on the
  /// coroutine's stack, which may be a shared one: move it to the heap for other coroutines.
  using Handler = std::function<void(TcpStream&)>;

  /// Throws std::system_error as TcpListener does.
  TcpServer(const Address& address, Handler handler, const TcpServerOptions& options = {});
  /// With listeners that are there already: one for each thread, or fewer, which threads then
  /// share. Throws std::invalid_argument if there are none.
  TcpServer(std::vector<TcpListener> listeners, Handler handler,
            const TcpServerOptions& options = {});
  /// Not while run is called.
  ~TcpServer();
  TcpServer(const TcpServer&) = delete;
  TcpServer& operator=(const TcpServer&) = delete;

  /// Serves until stop is called or one of the signals comes; then takes no more connections, lets
  /// those there are end, and cancels those that do not (TcpServerOptions). Connections that the
  /// kernel had taken by then are served still, as many as most_connections allows; the others are
  /// reset. In a coroutine; once.
  ///
  /// Throws std::system_error if it cannot accept any more, for other reasons than a want of
  /// descriptors and memory. If it is cancelled or a TimeLimit is over, it cancels all connections
  /// and throws.
  void run();

  /// Asks run to end, and does not wait for that.
  void stop() const noexcept { stop_.set(); }
  /// For handlers that can end at a good moment.
  bool stopping() const noexcept { return stop_.is_set(); }
  /// Set when it is asked to stop. The server alone sets it.
  const Event& stop_event() const noexcept { return stop_; }

  /// Where it listens, with the port that port 0 has become. Not after run has begun to end.
  Address address() const;

  /// The descriptors of its listeners, which stay its own: for a successor. Not after run has begun
  /// to end.
  std::vector<int> listener_descriptors() const;

  /// How many threads serve.
  std::size_t threads() const noexcept { return shards_.size(); }
  /// In all, and of one thread.
  TcpServerCounters counters() const noexcept;
  TcpServerCounters counters(std::size_t thread) const noexcept;

 private:
  void serve_on_threads();

  const TcpServerOptions options_;
  const Event stop_;
  std::shared_ptr<StopSignals> signals_;
  std::vector<std::shared_ptr<net_detail::ServerShard>> shards_;
};

}  // namespace colibri
