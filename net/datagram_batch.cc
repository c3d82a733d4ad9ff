#include "colibri/net/datagram_batch.h"

#include <netinet/udp.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace colibri {
namespace {

constexpr std::size_t kMostAtOnce = 1024;  // UIO_MAXIOV, the kernel's limit

}  // namespace

DatagramBatch::Parts::Parts(std::size_t places, std::size_t bytes_each)
    : room(bytes_each),
      used(places),
      bytes(std::make_unique<std::byte[]>(places * bytes_each)),
      messages(places),
      pieces(places),
      names(places),
      controls(places) {}

void DatagramBatch::Parts::make_ready() noexcept {
  for (std::size_t i = 0; i < used; ++i) make_ready(i);
  count = used = 0;
}

void DatagramBatch::Parts::make_ready(std::size_t index) noexcept {
  pieces[index] = {bytes.get() + index * room, room};
  msghdr& header = messages[index].msg_hdr;
  header = {};
  header.msg_iov = &pieces[index];
  header.msg_iovlen = 1;
  header.msg_name = &names[index];
  header.msg_namelen = sizeof names[index];
  header.msg_control = controls[index].bytes;
  header.msg_controllen = sizeof controls[index].bytes;
  messages[index].msg_len = 0;
}

void DatagramBatch::Parts::set_segment(std::size_t index, std::size_t segment_bytes) noexcept {
  msghdr& header = messages[index].msg_hdr;
  if (segment_bytes == 0) {
    header.msg_control = nullptr;
    header.msg_controllen = 0;
    return;
  }
  header.msg_control = controls[index].bytes;
  header.msg_controllen = CMSG_SPACE(sizeof(std::uint16_t));
  cmsghdr& control = *CMSG_FIRSTHDR(&header);
  control.cmsg_level = SOL_UDP;
  control.cmsg_type = UDP_SEGMENT;
  control.cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
  const auto size = static_cast<std::uint16_t>(segment_bytes);
  std::memcpy(CMSG_DATA(&control), &size, sizeof size);
}

std::size_t DatagramBatch::Parts::segment(std::size_t index) const noexcept {
  msghdr& header = const_cast<msghdr&>(messages[index].msg_hdr);
  for (cmsghdr* each = CMSG_FIRSTHDR(&header); each != nullptr; each = CMSG_NXTHDR(&header, each)) {
    if (each->cmsg_level != SOL_UDP) continue;
    // What comes has an int, what goes a short.
    int size = 0;
    std::uint16_t short_size = 0;
    if (each->cmsg_type == UDP_GRO) std::memcpy(&size, CMSG_DATA(each), sizeof size);
    if (each->cmsg_type == UDP_SEGMENT) {
      std::memcpy(&short_size, CMSG_DATA(each), sizeof short_size);
      size = short_size;
    }
    return static_cast<std::size_t>(size);
  }
  return 0;
}

void DatagramBatch::Parts::note_received(std::size_t number) noexcept {
  count = used = number;
  for (std::size_t i = 0; i < count; ++i) {
    pieces[i].iov_len = messages[i].msg_len;
    const std::size_t joined = segment(i);
    // One alone was joined to nothing.
    set_segment(i, joined < messages[i].msg_len ? joined : 0);
  }
}

DatagramBatch::DatagramBatch(std::size_t count, std::size_t bytes)
    : parts_(std::make_unique<Parts>(std::clamp<std::size_t>(count, 1, kMostAtOnce), bytes)) {}
DatagramBatch::~DatagramBatch() = default;
DatagramBatch::DatagramBatch(DatagramBatch&&) noexcept = default;
DatagramBatch& DatagramBatch::operator=(DatagramBatch&&) noexcept = default;

std::size_t DatagramBatch::capacity() const noexcept {
  return parts_->messages.size();
}

std::size_t DatagramBatch::size() const noexcept {
  return parts_->count;
}

void DatagramBatch::clear() noexcept {
  parts_->count = 0;
}

std::span<std::byte> DatagramBatch::bytes(std::size_t index) noexcept {
  const iovec& piece = parts_->pieces[index];
  return {static_cast<std::byte*>(piece.iov_base), piece.iov_len};
}

Address DatagramBatch::address(std::size_t index) const {
  const msghdr& header = parts_->messages[index].msg_hdr;
  return Address(static_cast<const sockaddr*>(header.msg_name), header.msg_namelen);
}

bool DatagramBatch::cut_off(std::size_t index) const noexcept {
  return (parts_->messages[index].msg_hdr.msg_flags & MSG_TRUNC) != 0;
}

std::size_t DatagramBatch::segment_bytes(std::size_t index) const noexcept {
  return parts_->segment(index);
}

bool DatagramBatch::put(std::span<const std::byte> bytes, const Address& to,
                        std::size_t segment_bytes) {
  if (bytes.size() > parts_->room || segment_bytes > 0xffff || to.is_unix()) {
    throw std::invalid_argument("a datagram that this batch cannot take: " +
                                std::to_string(bytes.size()) + " bytes to " + to.to_string());
  }
  if (size() == capacity()) return false;
  const std::size_t index = parts_->count++;
  parts_->used = std::max(parts_->used, parts_->count);
  parts_->make_ready(index);
  if (!bytes.empty()) std::memcpy(parts_->pieces[index].iov_base, bytes.data(), bytes.size());
  parts_->pieces[index].iov_len = bytes.size();
  std::memcpy(&parts_->names[index], to.data(), to.size());
  parts_->messages[index].msg_hdr.msg_namelen = to.size();
  parts_->set_segment(index, segment_bytes);
  return true;
}

void DatagramBatch::resize(std::size_t index, std::size_t size) {
  if (size > parts_->room) throw std::invalid_argument("no room for so large a datagram");
  parts_->pieces[index].iov_len = size;
}

}  // namespace colibri
