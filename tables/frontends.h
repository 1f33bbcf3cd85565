// Frontends: (address, protocol, port) → service, and whether an address is a service's at all.
//
// Theory of operation. Each family has three arrays of its own, so that IPv4 keys stay short. A bitmap by address hash,
// with 32 to 64 bits per address, turns away most packets that are for no service with one load; the set of addresses
// then gives the exact answer; the frontends themselves are looked up only for an address that is a service's.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "encap/net_types.h"
#include "lb/service.h"
#include "tables/probe_table.h"
#include "tables/service_array.h"

namespace viaduct {

struct Frontend {
    IpAddress address;
    std::uint16_t port = 0;
    Protocol protocol{};
    ServiceIndex service = no_service;
    bool own_address = false;   // NodePort on the gateway's own address: other ports there are the kernel's
    bool check_source = false;  // loadBalancerSourceRanges apply to this frontend (load-balancer addresses only)
};

/// What the data path needs to know of a frontend.
struct FrontendTarget {
    ServiceIndex service = no_service;
    bool check_source = false;
};

/// Whose address a destination is.
enum class AddressOwner : std::uint8_t {
    nobody,   // no service's
    service,  // a service's alone: a ClusterIP, external or load-balancer address
    shared,   // the gateway's own, with NodePorts on it
};

/// One family's arrays.
template <Address A>
class FrontendIndex {
public:
    explicit FrontendIndex(std::size_t frontends);
    /// False, and nothing done, when it is taken already.
    bool add(A address, const Frontend& frontend) noexcept;
    /// Undoes `add` of a frontend that is there.
    void remove(A address, const Frontend& frontend) noexcept;
    /// With memory of its own, to be changed while others read this.
    [[nodiscard]] FrontendIndex clone() const;
    /// Whether so many may be added and the filter still turns away most of what it should.
    [[nodiscard]] bool has_room_for(std::size_t more) const noexcept;
    /// Each address was either the gateway's own or not, in all of its frontends: only then one of them can be removed.
    [[nodiscard]] bool is_regular() const noexcept { return regular_; }
    void list(std::vector<Frontend>& all) const;

    /// False when it certainly is no service's.
    [[nodiscard]] bool may_own(A address) const noexcept {
        const std::uint64_t bit = hash_of(address) >> filter_shift_;
        return (filter_[bit / 64] >> (bit % 64) & 1U) != 0;
    }
    [[nodiscard]] AddressOwner owner_of(A address) const noexcept {
        if (!may_own(address)) return AddressOwner::nobody;
        const Owner* owner = owners_.find(hash_of(address), [&](const Owner& o) { return o.address == address; });
        return owner != nullptr ? owner->owner : AddressOwner::nobody;
    }
    /// Where the frontend leads, or nullptr.
    [[nodiscard]] const FrontendTarget* find(A address, Be16 port, Protocol protocol) const noexcept {
        return keys_.find(hash(address, port, protocol),
                          [&](const Key& k) { return same(k, address, port, protocol); });
    }
    void prefetch(A address, Be16 port, Protocol protocol) const noexcept {
        keys_.prefetch(hash(address, port, protocol));
    }

private:
    struct Owner {
        A address{};
        AddressOwner owner = AddressOwner::nobody;
        std::uint16_t frontends = 0;
        [[nodiscard]] bool used() const noexcept { return owner != AddressOwner::nobody; }
    };
    struct alignas(std::same_as<A, Ipv4> ? 16 : 32) Key : FrontendTarget {
        A address{};
        Be16 port;
        Protocol protocol{};
        [[nodiscard]] bool used() const noexcept { return service != no_service; }
    };
    static std::uint64_t hash(A address, Be16 port, Protocol protocol) noexcept {
        const std::uint64_t rest = std::uint64_t{port.raw()} << 8U | static_cast<std::uint64_t>(protocol);
        return spread((hash_of(address) >> 16U) + rest);
    }
    static bool same(const Key& key, A address, Be16 port, Protocol protocol) noexcept {
        return key.address == address && key.port == port && key.protocol == protocol;
    }
    std::vector<std::uint64_t> filter_;
    unsigned filter_shift_;
    ProbeTable<Owner> owners_;
    ProbeTable<Key> keys_;
    std::size_t size_ = 0, forgotten_ = 0;  // frontends; addresses whose bits are still in the filter
    bool regular_ = true;
};

class FrontendTable {
public:
    FrontendTable() : FrontendTable({}, {}) {}
    /// A frontend's `service` is a position in `services`, whose ids are distinct. Of frontends with the same address,
    /// port and protocol the first one stays.
    FrontendTable(std::vector<Service> services, std::span<const Frontend> frontends);
    /// The same with other services at these positions, which ascend: their ids and frontends are the same, policies
    /// and backends may differ. The index is shared, and so are the other services.
    [[nodiscard]] FrontendTable with(std::vector<std::pair<ServiceIndex, Service>> others) const;
    /// Services and frontends that come and go: a new table out of this one.
    class Edit;

    /// A quick test per packet, one load in the common case; false positives never happen.
    template <Address A>
    [[nodiscard]] AddressOwner owner_of(A destination) const noexcept {
        return index_->family<A>().owner_of(destination);
    }
    /// Where the frontend leads, or nullptr.
    template <Address A>
    [[nodiscard]] const FrontendTarget* find(A destination, Be16 port, Protocol protocol) const noexcept {
        return index_->family<A>().find(destination, port, protocol);
    }

    /// One family's arrays, for who asks for many packets.
    template <Address A>
    [[nodiscard]] const FrontendIndex<A>& addresses() const noexcept {
        return index_->family<A>();
    }
    /// Asks for the memory that `find` will read.
    template <Address A>
    void prefetch(A destination, Be16 port, Protocol protocol) const noexcept {
        index_->family<A>().prefetch(destination, port, protocol);
    }

    [[nodiscard]] const Service& service(ServiceIndex index) const noexcept { return services_[index]; }
    /// The service with this stable id, or nullptr.
    [[nodiscard]] const Service* by_id(std::uint64_t id) const noexcept {
        const ServiceIndex at = index_of(id);
        return at != no_service ? &services_[at] : nullptr;
    }
    /// Its position, or no_service.
    [[nodiscard]] ServiceIndex index_of(std::uint64_t id) const noexcept {
        const Id* slot = index_->ids.find(spread(id), [&](const Id& i) { return i.id == id; });
        return slot != nullptr ? slot->service : no_service;
    }
    [[nodiscard]] const ServiceArray& services() const noexcept { return services_; }
    /// Equal for tables with the same frontends.
    [[nodiscard]] std::shared_ptr<const void> frontends_mark() const noexcept { return index_; }
    /// All of them, in no order.
    [[nodiscard]] std::vector<Frontend> frontends() const;

private:
    struct Id {
        std::uint64_t id = 0;
        ServiceIndex service = no_service;
        [[nodiscard]] bool used() const noexcept { return service != no_service; }
    };
    /// What depends on frontends and ids alone: endpoints come and go much more often.
    struct Index {
        Index(const ServiceArray& services, std::span<const Frontend> all);
        Index(const Index& other);  // with memory of its own
        bool add(const Frontend& frontend);
        /// And for one service more.
        [[nodiscard]] bool has_room_for(std::span<const Frontend> more) const;
        template <Address A>
        [[nodiscard]] const FrontendIndex<A>& family() const noexcept {
            if constexpr (std::same_as<A, Ipv4>)
                return v4;
            else
                return v6;
        }
        FrontendIndex<Ipv4> v4;
        FrontendIndex<Ipv6> v6;
        ProbeTable<Id> ids;
        std::size_t used_ids;
        bool regular = true;  // no two frontends were alike
    };

    ServiceArray services_;
    std::shared_ptr<const Index> index_;
};

}  // namespace viaduct
