// ServerShard: the part of a TcpServer that runs on one scheduler.
#pragma once

#include <exception>
#include <list>
#include <memory>

#include "colibri/core/event.h"
#include "colibri/core/scheduler.h"
#include "colibri/core/wait_group.h"
#include "colibri/net/log_limiter.h"
#include "colibri/net/tcp_server.h"

namespace colibri::net_detail {

/// One listener, and the connections that were accepted there. Made on any thread; then one
/// scheduler's, but for counters(). Lives as long as any of its connections.
class ServerShard : public std::enable_shared_from_this<ServerShard> {
 public:
  /// `most`: connections at once; 0: no limit. `stop`: ends serve when it is set.
  ServerShard(TcpListener listener, std::shared_ptr<const TcpServer::Handler> handler,
              const TcpServerOptions& options, std::size_t most, const Event& stop);

  /// TcpServer::run, for this part.
  void serve();

  Address address() const { return listener_.address(); }
  int listener_descriptor() const noexcept { return listener_.descriptor(); }
  /// Any thread.
  TcpServerCounters counters() const noexcept;

 private:
  /// Written by one thread, read by all.
  class Count {
   public:
    void add(std::int64_t difference = 1) noexcept {
      value_.store(get() + static_cast<std::uint64_t>(difference), std::memory_order_relaxed);
    }
    std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

   private:
    std::atomic<std::uint64_t> value_{0};
  };

  void accept_until_canceled();
  void accept_connections();
  void accept_what_waits();
  void wait_for_room();
  void pause(const std::error_code& error);
  void start(TcpStream stream);
  void serve_connection(TcpStream stream);
  void handle(TcpStream& stream);
  void call_handler(TcpStream& stream);
  void note_system_error(const std::system_error& error, const TcpStream& stream);
  void note_failure(const char* what, const TcpStream& stream);
  void end_connection() noexcept;
  void drain();
  void cancel_connections() noexcept;

  TcpListener listener_;
  const std::shared_ptr<const TcpServer::Handler> handler_;
  const TcpServerOptions options_;
  const std::size_t most_;
  const Event stop_;
  const Event room_;                     // set while there is some
  const WaitGroup running_;              // the connections
  std::list<ControlBlock*> coroutines_;  // theirs
  bool canceling_ = false;               // whoever starts now is to end at once
  std::exception_ptr accept_error_;      // why it stopped by itself
  LogLimiter pauses_log_;
  LogLimiter refusals_log_;
  LogLimiter failures_log_;

  Count accepted_;
  Count active_;
  Count accept_pauses_;
  Count refused_;
  Count completed_;
  Count failed_;
  Count lost_;
  Count timed_out_;
  Count canceled_;
};

}  // namespace colibri::net_detail
