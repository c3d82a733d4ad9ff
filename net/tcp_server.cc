#include "colibri/net/tcp_server.h"

#include <algorithm>
#include <stdexcept>
#include <thread>

#include "colibri/core/libc.h"
#include "colibri/core/runtime.h"
#include "colibri/net/net_error.h"
#include "colibri/net/server_shard.h"
#include "colibri/net/stop_signals.h"

namespace colibri {
namespace {

using net_detail::ServerShard;

std::size_t threads_of(const TcpServerOptions& options) {
  return options.threads != 0 ? options.threads : std::max(std::thread::hardware_concurrency(), 1U);
}

/// One for each thread, all with the port that the first has got.
std::vector<TcpListener> listen_on(const Address& address, const TcpServerOptions& options) {
  ListenOptions how = options.listen;
  how.reuse_port = how.reuse_port || threads_of(options) > 1;
  std::vector<TcpListener> listeners;
  for (std::size_t i = 0; i < threads_of(options); ++i) {
    listeners.emplace_back(i == 0 ? address : listeners.front().address(), how);
  }
  return listeners;
}

/// Another descriptor of the same listener.
TcpListener copy_of(const TcpListener& listener) {
  OwnedDescriptor copy(real::fcntl(listener.descriptor(), F_DUPFD_CLOEXEC, 0));
  if (!copy.is_open()) net_detail::throw_error(errno, "copy a listener on", listener.address());
  return TcpListener::adopt(copy.release());
}

}  // namespace

TcpServer::TcpServer(const Address& address, Handler handler, const TcpServerOptions& options)
    : TcpServer(listen_on(address, options), std::move(handler), options) {}

TcpServer::TcpServer(std::vector<TcpListener> listeners, Handler handler,
                     const TcpServerOptions& options)
    : options_(options) {
  if (listeners.empty()) throw std::invalid_argument("a TcpServer needs a listener");
  if (!options.stop_signals.empty()) signals_ = std::make_shared<StopSignals>(options.stop_signals);
  const std::size_t threads = std::max(threads_of(options), listeners.size());
  for (std::size_t i = 0; listeners.size() < threads; ++i) {
    listeners.push_back(copy_of(listeners[i]));
  }
  const auto shared = std::make_shared<const Handler>(std::move(handler));
  const std::size_t most = (options.most_connections + threads - 1) / threads;
  for (TcpListener& each : listeners) {
    shards_.push_back(std::make_shared<ServerShard>(std::move(each), shared, options, most, stop_));
  }
}

TcpServer::~TcpServer() = default;

Address TcpServer::address() const {
  return shards_.front()->address();
}

std::vector<int> TcpServer::listener_descriptors() const {
  std::vector<int> descriptors;
  for (const auto& shard : shards_) descriptors.push_back(shard->listener_descriptor());
  return descriptors;
}

void TcpServer::run() {
  Task<void> watch;
  if (signals_ != nullptr) {
    watch = spawn(SpawnOptions{.name = "stop signals"}, [stop = stop_, signals = signals_] {
      signals->wait();
      stop.set();
    });
  }
  if (shards_.size() == 1) {
    shards_.front()->serve();
  } else {
    serve_on_threads();
  }
}

void TcpServer::serve_on_threads() {
  // If this is cancelled, the runtime's end cancels all that goes on there.
  Runtime runtime(RuntimeOptions{.threads = shards_.size(), .grace = options_.grace});
  std::vector<Future<void>> ends;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    Promise<void> promise;
    ends.push_back(promise.future());
    post(runtime.scheduler(i), SpawnOptions{.name = "server"},
         [shard = shards_[i], promise = std::move(promise)]() mutable {
           keep(promise, [&] { shard->serve(); });
         });
  }
  for (const Future<void>& each : ends) each.wait();
  for (const Future<void>& each : ends) each.get();
}

TcpServerCounters TcpServer::counters(std::size_t thread) const noexcept {
  return shards_[thread]->counters();
}

TcpServerCounters TcpServer::counters() const noexcept {
  TcpServerCounters sum;
  for (const auto& shard : shards_) {
    const TcpServerCounters part = shard->counters();
    sum.accepted += part.accepted;
    sum.active += part.active;
    sum.accept_pauses += part.accept_pauses;
    sum.refused += part.refused;
    sum.completed += part.completed;
    sum.failed += part.failed;
    sum.lost += part.lost;
    sum.timed_out += part.timed_out;
    sum.canceled += part.canceled;
  }
  return sum;
}

}  // namespace colibri
