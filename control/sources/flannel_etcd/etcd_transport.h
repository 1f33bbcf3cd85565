// What etcd's users need of it: ask, hear the answer piece by piece, take the question back.
#pragma once

#include <memory>
#include <string>

#include "control/sources/kubernetes/transport.h"

namespace viaduct {

class EtcdTransport {
public:
    /// Whether a request could be made now; a token may have to be fetched first.
    virtual bool ready() = 0;
    /// A POST to the gateway, "/v3/kv/range". With `fresh`, of another member, over a new connection: this one may be
    /// dead.
    virtual std::unique_ptr<Exchange> post(const std::string& path, const std::string& body, ResponseHandler& handler,
                                           bool fresh) = 0;
    /// etcd does not accept the token.
    virtual void refused() = 0;

protected:
    ~EtcdTransport() = default;
};

}  // namespace viaduct
