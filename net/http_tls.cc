#include "colibri/net/http_tls.h"

#include <memory>
#include <utility>

#include "colibri/net/http_stream.h"
#include "colibri/net/tls_stream.h"

namespace colibri {
namespace {

class TlsHttpStream final : public net_detail::HttpStream {
 public:
  TlsHttpStream(TcpStream tcp, const TlsServerContext& context)
      : tcp_(std::move(tcp)), context_(context) {}

  TcpStream& tcp() noexcept override { return tls_.is_open() ? tls_.tcp() : tcp_; }
  StreamReference bytes() noexcept override { return tls_; }

  bool begins_with_handshake() const noexcept override { return true; }
  void shake_hands() override { tls_ = TlsStream::accept(std::move(tcp_), context_); }

  void shutdown_write() override {
    tls_.shutdown_write();
    // For clients that look for TCP's end alone.
    tls_.tcp().shutdown_write();
  }
  TcpStream release(bool in_order) noexcept override {
    if (!tls_.is_open()) return std::move(tcp_);
    if (in_order) tls_.try_shutdown_write();
    return tls_.release();
  }

 private:
  TcpStream tcp_;  // until the handshake
  TlsStream tls_;
  const TlsServerContext context_;
};

}  // namespace

HttpProtection http_over_tls(TlsServerOptions options) {
  options.protocols = {"http/1.1"};
  return http_over_tls(TlsServerContext(options));
}

HttpProtection http_over_tls(const TlsServerContext& context) {
  return [context](TcpStream stream) {
    return std::make_unique<TlsHttpStream>(std::move(stream), context);
  };
}

}  // namespace colibri
