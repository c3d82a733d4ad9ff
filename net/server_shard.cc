#include "colibri/net/server_shard.h"

#include <new>
#include <stdexcept>
#include <string>

#include "colibri/core/canceled.h"
#include "colibri/core/log.h"
#include "colibri/core/sleep.h"
#include "colibri/core/task.h"

namespace colibri::net_detail {
namespace {

/// The system is full. Connections wait in the kernel meanwhile.
bool is_exhaustion(const std::error_code& error) noexcept {
  return error == std::errc::too_many_files_open ||
         error == std::errc::too_many_files_open_in_system || error == std::errc::no_buffer_space ||
         error == std::errc::not_enough_memory;
}

/// The peer is gone, which is nobody's mistake here.
bool is_loss(const std::error_code& error) noexcept {
  return error == std::errc::connection_reset || error == std::errc::broken_pipe ||
         error == std::errc::connection_aborted;
}

}  // namespace

ServerShard::ServerShard(TcpListener listener, std::shared_ptr<const TcpServer::Handler> handler,
                         const TcpServerOptions& options, std::size_t most, const Event& stop)
    : listener_(std::move(listener)),
      handler_(std::move(handler)),
      options_(options),
      most_(most),
      stop_(stop) {}

void ServerShard::serve() {
  Task<void> acceptor = spawn(SpawnOptions{.name = "acceptor"},
                              [self = shared_from_this()] { self->accept_until_canceled(); });
  try {
    stop_.wait();
    if (options_.on_stop) options_.on_stop();
    acceptor = Task<void>();  // cancels it, and waits for its end
    accept_what_waits();
    listener_.close();
    drain();
  } catch (...) {
    acceptor = Task<void>();
    listener_.close();
    cancel_connections();
    throw;
  }
  if (accept_error_) std::rethrow_exception(accept_error_);
}

// Accepting --------------------------------------------------------------------------------------

void ServerShard::accept_until_canceled() {
  try {
    accept_connections();
  } catch (const Canceled&) {
    throw;
  } catch (...) {
    accept_error_ = std::current_exception();
    stop_.set();
  }
}

void ServerShard::accept_connections() {
  for (;;) {
    wait_for_room();
    try {
      start(listener_.accept());
    } catch (const std::bad_alloc&) {
      pause(std::make_error_code(std::errc::not_enough_memory));
    } catch (const std::system_error& error) {
      if (!is_exhaustion(error.code())) throw;
      pause(error.code());
    }
  }
}

/// Before the listener is closed, which would reset those whom the kernel has taken already.
void ServerShard::accept_what_waits() {
  try {
    while (most_ == 0 || active_.get() < most_) {
      std::optional<TcpStream> stream = listener_.try_accept();
      if (!stream) return;
      start(std::move(*stream));
    }
  } catch (const std::exception& error) {
    pauses_log_.log(LogLevel::kWarning, [&] { return std::string("stopping: ") + error.what(); });
  }
}

void ServerShard::wait_for_room() {
  if (most_ == 0) return;
  while (active_.get() >= most_) {
    room_.reset();
    room_.wait();
  }
}

void ServerShard::pause(const std::error_code& error) {
  constexpr std::chrono::milliseconds kPause{10};
  accept_pauses_.add();
  pauses_log_.log(LogLevel::kWarning,
                  [&] { return "connections must wait to be accepted: " + error.message(); });
  try {
    sleep_for(kPause);
  } catch (const std::bad_alloc&) {
    yield();
  } catch (const std::system_error& no_timer) {
    if (!is_exhaustion(no_timer.code())) throw;
    yield();
  }
}

void ServerShard::start(TcpStream stream) {
  stream.set_timeouts(options_.timeouts);
  if (options_.receive_ahead) stream.set_receive_ahead(true);
  accepted_.add();
  active_.add();
  running_.add();
  try {
    go(options_.connection, [self = shared_from_this(), stream = std::move(stream)]() mutable {
      self->serve_connection(std::move(stream));
    });
  } catch (const std::exception& error) {
    refused_.add();
    refusals_log_.log(LogLevel::kError, [&] {
      return std::string("a connection was closed unserved: ") + error.what();
    });
    end_connection();
  }
}

// One connection ---------------------------------------------------------------------------------

void ServerShard::serve_connection(TcpStream stream) {
  handle(stream);
  // First, so that whoever waits for its end finds the descriptor free.
  stream.close();
  end_connection();
}

void ServerShard::end_connection() noexcept {
  active_.add(-1);
  if (most_ != 0) room_.set();
  running_.done();
}

/// Calls the handler, and takes note of how that ends.
void ServerShard::handle(TcpStream& stream) {
  try {
    call_handler(stream);
    completed_.add();
  } catch (const Canceled&) {
    canceled_.add();
  } catch (const std::system_error& error) {
    note_system_error(error, stream);
  } catch (const std::exception& error) {
    note_failure(error.what(), stream);
  } catch (...) {
    if (is_forced_unwind()) {
      completed_.add();  // it called pthread_exit, which goes on to unwind the coroutine
      stream.close();
      end_connection();
      throw;
    }
    note_failure("an exception that is no std::exception", stream);
  }
}

void ServerShard::call_handler(TcpStream& stream) {
  if (canceling_) throw Canceled();
  const auto place = coroutines_.insert(coroutines_.end(), thread_state.current);
  struct Leaving {
    std::list<ControlBlock*>& all;
    std::list<ControlBlock*>::iterator place;
    ~Leaving() { all.erase(place); }
  } leaving{coroutines_, place};
  (*handler_)(stream);
}

void ServerShard::note_system_error(const std::system_error& error, const TcpStream& stream) {
  if (is_loss(error.code())) return lost_.add();
  if (error.code() == std::errc::timed_out) return timed_out_.add();
  note_failure(error.what(), stream);
}

void ServerShard::note_failure(const char* what, const TcpStream& stream) {
  failed_.add();
  failures_log_.log(LogLevel::kError, [&] {
    // The handler may have closed it or moved it away.
    const std::string peer = stream.is_open() ? stream.peer_address().to_string() : "a peer";
    return "the handler of the connection from " + peer + " failed: " + what;
  });
}

// The end ----------------------------------------------------------------------------------------

void ServerShard::drain() {
  if (running_.wait_for(options_.drain)) return;
  cancel_connections();
  if (running_.wait_for(options_.grace)) return;
  log(LogLevel::kError, std::to_string(active_.get()) +
                            " connections did not end when they were cancelled, and were left");
}

void ServerShard::cancel_connections() noexcept {
  canceling_ = true;
  for (ControlBlock* each : coroutines_) thread_state.scheduler->cancel(*each);
}

TcpServerCounters ServerShard::counters() const noexcept {
  return {.accepted = accepted_.get(),
          .active = active_.get(),
          .accept_pauses = accept_pauses_.get(),
          .refused = refused_.get(),
          .completed = completed_.get(),
          .failed = failed_.get(),
          .lost = lost_.get(),
          .timed_out = timed_out_.get(),
          .canceled = canceled_.get()};
}

}  // namespace colibri::net_detail
