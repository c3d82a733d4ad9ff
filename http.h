// HTTP/1.1 and WebSockets on net, in one header, with all of net.
#pragma once

#include "colibri/net.h"
#include "colibri/net/http_server.h"
#include "colibri/net/websocket.h"
