// What a DatagramBatch is made of: the arrays that recvmmsg and sendmmsg take.
#pragma once

#include <netinet/in.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "colibri/net/udp_socket.h"

namespace colibri {

/// Of one index in all arrays: one datagram.
struct DatagramBatch::Parts {
  Parts(std::size_t places, std::size_t bytes_each);

  /// Room for datagrams that are to come, in all places.
  void make_ready() noexcept;
  /// Room in one place.
  void make_ready(std::size_t index) noexcept;
  /// So many have come.
  void note_received(std::size_t number) noexcept;
  /// 0: it is a single one.
  void set_segment(std::size_t index, std::size_t segment_bytes) noexcept;
  std::size_t segment(std::size_t index) const noexcept;

  /// Room for one control message with an int.
  struct Control {
    alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int))];
  };

  const std::size_t room;
  std::size_t count = 0;
  // Places from here on are ready: with many places and few datagrams, that is most of the work.
  std::size_t used;
  std::unique_ptr<std::byte[]> bytes;
  std::vector<mmsghdr> messages;
  std::vector<iovec> pieces;
  std::vector<sockaddr_in6> names;
  std::vector<Control> controls;
};

}  // namespace colibri
