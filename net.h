// Everything of net in one header, and of core what goes with it. For programs with hooks and
// without.
#pragma once

#include "colibri/core/canceled.h"
#include "colibri/core/deadline.h"
#include "colibri/core/run.h"
#include "colibri/core/task.h"
#include "colibri/net/address.h"
#include "colibri/net/address_range.h"
#include "colibri/net/buffered.h"
#include "colibri/net/inherited_sockets.h"
#include "colibri/net/listener_handover.h"
#include "colibri/net/proxy_protocol.h"
#include "colibri/net/resolver.h"
#include "colibri/net/stop_signals.h"
#include "colibri/net/tcp_listener.h"
#include "colibri/net/tcp_server.h"
#include "colibri/net/tcp_stream.h"
#include "colibri/net/transfer.h"
#include "colibri/net/udp_socket.h"
#include "colibri/net/unix_stream.h"
