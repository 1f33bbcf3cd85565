// The world with the gateway's ports as they really are: not every device takes the Ethernet address that one wishes.
#pragma once

#include <array>

#include "bench/world.h"

namespace viaduct::rig {

enum class Side : std::uint8_t { outside, underlay };
inline constexpr std::array<const char*, 2> side_names{"outside", "underlay"};
[[nodiscard]] constexpr Side opposite(Side side) noexcept {
    return side == Side::outside ? Side::underlay : Side::outside;
}

class Site : public World {
public:
    using World::World;
    [[nodiscard]] const Mac& mac(Side side) const noexcept { return macs_[static_cast<std::size_t>(side)]; }
    void set_mac(Side side, const Mac& mac) noexcept { macs_[static_cast<std::size_t>(side)] = mac; }

private:
    std::array<Mac, 2> macs_{World::outside_mac, World::underlay_mac};
};

}  // namespace viaduct::rig
