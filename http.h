// HTTP/1.1 on net, in one header, with all of net.
#pragma once

#include "colibri/net.h"
#include "colibri/net/http_server.h"
