// HTTP over TLS: what makes an HttpServer one of https.
#pragma once

#include "colibri/net/http_options.h"
#include "colibri/net/tls_context.h"

namespace colibri {

/// For HttpServerOptions::protection. The handshake begins when the client speaks, within `idle`,
/// and has the time of the context's own. All else holds as without it; clients that break TLS are
/// counted as refused, and not logged. A client that ends TCP without the end that TLS has is lost
/// within a request, and has just ended between two.
///
/// Of the options, `protocols` (ALPN) is not used: it is "http/1.1". Throws as TlsServerContext.
HttpProtection http_over_tls(TlsServerOptions options);

/// The same with a context that is there already, whose protocols must be "http/1.1", or none.
HttpProtection http_over_tls(const TlsServerContext& context);

}  // namespace colibri
