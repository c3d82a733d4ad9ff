// The request that asks for a WebSocket, RFC 6455, section 4.2.
#pragma once

#include "colibri/net/http_message.h"

namespace colibri::net_detail {

/// The fields of the answer that agrees, but for Connection. Throws HttpError: 405 if it is no GET,
/// 426 for another version of the protocol or none, 400 if it does not ask as it should.
HttpFields accept_websocket(const HttpRequest& request);

}  // namespace colibri::net_detail
