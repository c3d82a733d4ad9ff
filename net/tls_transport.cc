#include "colibri/net/tls_transport.h"

#include <new>
#include <span>

namespace colibri::net_detail {
namespace {

TlsTransport& transport_of(BIO* bio) noexcept {
  return *static_cast<TlsTransport*>(BIO_get_data(bio));
}

int read(BIO* bio, char* data, std::size_t size, std::size_t* done) noexcept {
  TlsTransport& transport = transport_of(bio);
  BIO_clear_retry_flags(bio);
  *done = 0;
  try {
    const auto got = transport.stream.try_read_some(std::as_writable_bytes(std::span(data, size)));
    if (!got) BIO_set_retry_read(bio);
    transport.at_end = got == 0U;
    *done = got.value_or(0);
  } catch (...) {
    transport.error = std::current_exception();
  }
  return *done != 0 ? 1 : 0;
}

int write(BIO* bio, const char* data, std::size_t size, std::size_t* done) noexcept {
  TlsTransport& transport = transport_of(bio);
  BIO_clear_retry_flags(bio);
  *done = 0;
  try {
    const auto sent = transport.stream.try_write_some(std::as_bytes(std::span(data, size)));
    if (!sent) BIO_set_retry_write(bio);
    *done = sent.value_or(0);
  } catch (...) {
    transport.error = std::current_exception();
  }
  return *done != 0 ? 1 : 0;
}

long control(BIO* bio, int command, long /*number*/, void* /*pointer*/) noexcept {
  if (command == BIO_CTRL_EOF) return transport_of(bio).at_end ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* method() {
  static const BIO_METHOD* const made = [] {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "colibri");
    if (method == nullptr) throw std::bad_alloc();
    BIO_meth_set_read_ex(method, read);
    BIO_meth_set_write_ex(method, write);
    BIO_meth_set_ctrl(method, control);
    return method;
  }();
  return made;
}

}  // namespace

BIO* make_bio(TlsTransport& transport) {
  BIO* bio = BIO_new(method());
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, &transport);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace colibri::net_detail
